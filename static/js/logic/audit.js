/** Administrative acts as lines. */

import { parseTime } from "./time.js";

/** Entries that a browser holds at most. */
export const MOST_ENTRIES = 500;
export const NO_ENTRIES = Object.freeze({ entries: [], next: null });

/** Take the newest page. What is held goes on behind it, unless there is a hole between the two: then it begins anew. */
export function takeNewest(held, { entries, next_cursor: next }) {
  const known = new Set(held.entries.map(({ id }) => id));
  const fresh = entries.filter(({ id }) => !known.has(id));
  if (fresh.length === entries.length) return { entries, next };
  return bounded({ entries: [...fresh, ...held.entries], next: held.next });
}

/** Take a further page behind what is held. */
export function takeOlder(held, { entries, next_cursor: next }) {
  const known = new Set(held.entries.map(({ id }) => id));
  return bounded({ entries: [...held.entries, ...entries.filter(({ id }) => !known.has(id))], next });
}

function bounded({ entries, next }) {
  return entries.length < MOST_ENTRIES ? { entries, next } : { entries: entries.slice(0, MOST_ENTRIES), next: null };
}

/** "change_role" → "change role". */
export const actText = (action) => action.replaceAll("_", " ");

/** An entry of the audit log as the panel shows it. */
export function auditRow({ id, user_id: who, action, target, details, created_at: at }) {
  const more = Object.entries(details ?? {}).map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  return { id, who, act: actText(action), target, more: more.join(", "), at: parseTime(at), timestamp: at };
}
