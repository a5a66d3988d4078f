/** The list of experiments: its view in the URL, the question to the server, and what came of a file. */

import { countText, parseTime } from "./time.js";

export const SORTS = {
  "-created_at": "Newest first",
  created_at: "Oldest first",
  "-updated_at": "Last changed",
  name: "Name A–Z",
  "-name": "Name Z–A",
};
export const DEFAULT_SORT = "-created_at";
export const PAGE = 50;
/** Seconds for which a list counts as live; it is asked for again every half minute and after each change. */
export const TTL = 75;
const SEARCH_LIMIT = 200;
const NAME = /^[a-z][a-z0-9_]{0,39}$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Read a query string into a view; what cannot be is left out. */
export function readExperimentsView(query) {
  const given = new URLSearchParams(query);
  const taken = (name, form) => (form.test(given.get(name) ?? "") ? given.get(name) : "");
  return {
    search: (given.get("q") ?? "").slice(0, SEARCH_LIMIT),
    type: taken("type", NAME),
    status: taken("status", NAME),
    from: taken("from", DAY),
    to: taken("to", DAY),
    deleted: given.get("deleted") === "1",
    sort: given.get("sort") in SORTS ? given.get("sort") : DEFAULT_SORT,
  };
}

/** Write a view as a query string with its question mark; "" for the default view. */
export function writeExperimentsView(view) {
  const out = new URLSearchParams();
  const put = (name, value) => value && out.set(name, value);
  put("q", view.search.trim());
  put("type", view.type);
  put("status", view.status);
  put("from", view.from);
  put("to", view.to);
  put("deleted", view.deleted ? "1" : "");
  put("sort", view.sort === DEFAULT_SORT ? "" : view.sort);
  const text = out.toString();
  return text ? `?${text}` : "";
}

/** The filters of a view as the server's own, for the list and for the export. */
export function filtersOf(view) {
  const out = new URLSearchParams();
  const put = (name, value) => value && out.set(name, value);
  put("search", view.search.trim());
  put("type", view.type);
  put("status", view.status);
  put("created_from", view.from);
  put("created_to", view.to);
  put("deleted", view.deleted ? "true" : "");
  put("sort", view.sort);
  return out;
}

/** The address of a page of the list. */
export function listPath(view, cursor) {
  const out = filtersOf(view);
  out.set("limit", String(PAGE));
  if (cursor) out.set("cursor", cursor);
  return `/api/experiments?${out}`;
}

/** The address of an export of exactly these experiments. */
export function exportPath(view, format) {
  const out = filtersOf(view);
  out.set("format", format);
  return `/api/experiments/export?${out}`;
}

/** True when the list is narrowed in any way. */
export function isNarrowed(view) {
  return Boolean(view.search.trim() || view.type || view.status || view.from || view.to);
}

/** What is held of an answer of the list. */
export function takeExperiments(answer) {
  return {
    experiments: answer.experiments,
    total: answer.total,
    next: answer.next_cursor,
    damaged: answer.invalid_rows,
    queued: answer.queued ?? 0,
    stale: answer.stale === true,
    message: answer.message ?? "",
    ...(answer.as_of ? { asOf: parseTime(answer.as_of) } : {}),
    types: answer.types,
    statuses: answer.statuses,
    ttl: TTL,
  };
}

/** Sentences about what is not as it should be in a list. */
export function remarks({ damaged, queued, message }) {
  const told = [];
  if (message) told.push(message);
  if (queued) told.push(`${countText(queued, "change")} ${queued === 1 ? "waits" : "wait"} for the database. Nothing is lost.`);
  if (damaged) told.push(`${countText(damaged, "damaged row")} ${damaged === 1 ? "is" : "are"} left out.`);
  return told;
}

/** The content type to send a file as, by its name; null for one that cannot be read. */
export function fileType(name) {
  if (/\.csv$/i.test(name)) return "text/csv";
  return /\.json$/i.test(name) ? "application/json" : null;
}

/** What came of a file, in a sentence, with the rows that were skipped. */
export function importOutcome(report) {
  const { total, accepted, skipped, queued = 0, rows } = report;
  const waits = queued ? ` ${countText(queued, "of them waits", "of them wait")} for the database.` : "";
  const left = skipped ? ` ${countText(skipped, "was skipped", "were skipped")}.` : "";
  return {
    text: `${accepted} of ${countText(total, "row")} taken in.${waits}${left}`,
    skipped: rows.filter(({ outcome }) => outcome === "skipped"),
  };
}

/** What to say after a change, and how loudly. */
export function doneToast(what, { name = "", queued = false }) {
  const subject = name ? `“${name}”` : "It";
  if (!queued) return { level: "success", message: `${subject} was ${what}.` };
  return { level: "warning", message: `${subject} was ${what}. The database is away: this is kept, and written when it is back.` };
}
