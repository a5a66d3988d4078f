/** Recorded errors as rows: filtered, bounded, in words. */

import { parseTime } from "./time.js";

export const LIMITS = [25, 100, 500];

/** The console's view out of a query string. */
export function readConsoleView(query) {
  const given = new URLSearchParams(query);
  const limit = Number(given.get("limit"));
  return {
    type: (given.get("type") ?? "").slice(0, 100),
    search: (given.get("q") ?? "").slice(0, 100),
    limit: LIMITS.includes(limit) ? limit : LIMITS[0],
  };
}

/** The console's view as a query string; defaults are left out. */
export function writeConsoleView({ type, search, limit }) {
  const out = new URLSearchParams();
  if (type) out.set("type", type);
  if (search.trim()) out.set("q", search.trim());
  if (limit !== LIMITS[0]) out.set("limit", limit);
  const text = out.toString();
  return text ? `?${text}` : "";
}

/** Give each recorded error a key that stays the same when newer ones come before it. */
export function keyed(errors) {
  const seen = new Map();
  return [...errors]
    .reverse()
    .map((error) => {
      const base = `${error.timestamp} ${error.type}`;
      const number = (seen.get(base) ?? 0) + 1;
      seen.set(base, number);
      return { ...error, key: `${base} ${number}`, at: parseTime(error.timestamp) };
    })
    .reverse();
}

/** The errors that fit the view, newest first, and how many there are beyond the limit. */
export function chosen(errors, { type, search, limit }) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const fitting = errors.filter((error) => (!type || error.type === type) && words.every((word) => searchable(error).includes(word)));
  return { rows: fitting.slice(0, limit), found: fitting.length };
}

function searchable({ type, message, context }) {
  return `${type} ${message} ${JSON.stringify(context)}`.toLowerCase();
}

/** A context as lines: [["endpoint", "GET /api/threats"], …]; what is not text is written as JSON. */
export function contextLines(context) {
  return Object.entries(context ?? {}).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);
}
