/** The list of threats: pages, pushes and filters become one bounded list of rows. */

import { ALL_THREATS, filtersOf, isFiltered, sameThreats } from "./threat_view.js";
import { parseTime } from "./time.js";

/** Rows that a browser holds at most. */
export const MOST_ROWS = 500;
export const PAGE = 50;
/** Most that the server gives at once. */
const MOST_AT_ONCE = 200;

/**
 * Take a payload of threats_update.
 *
 * @param {object|null} before what is held
 * @param {object} payload
 * @param {{about: {view: object, more: boolean}}|null} asked the question it answers; null for a push (the default view)
 * @param {object} view what the reader wants to see now
 */
export function takeThreats(before, payload, asked, view) {
  const meta = metaOf(payload);
  const shown = asked?.about?.view ?? null;
  if (asked && !shown) return before; // the answer to a question that was given up: nobody knows any more what it shows
  if (asked?.about?.more) return { ...before, ...meta, ...joined(before.rows, payload.threats), cursor: payload.next_cursor ?? null };
  if (!asked && before && isFiltered(view)) return { ...before, ...meta, total: before.total };
  const rows = goesOn(before, payload, shown) ? merged(payload.threats, before.rows) : payload.threats;
  return {
    ...meta,
    view: shown ?? ALL_THREATS,
    rows: rows.slice(0, MOST_ROWS),
    cursor: rows.length > payload.threats.length ? before.cursor : (payload.next_cursor ?? null),
  };
}

/** Is this the beginning of the list that is held, so that the pages behind it stay? */
function goesOn(before, payload, shown) {
  if (!before || !payload.next_cursor) return false; // a list without more is whole
  return shown ? sameThreats(before.view, shown) : !isFiltered(before.view);
}

function metaOf(payload) {
  return {
    loaded: payload.success,
    total: payload.total,
    asOf: parseTime(payload.as_of),
    ttl: payload.ttl,
    stale: payload.stale,
    sources: payload.sources,
    message: payload.message ?? "",
    suggestion: payload.suggestion ?? "",
  };
}

/** A further page behind the rows that are held. */
function joined(held, page) {
  const known = new Set(held.map(({ id }) => id));
  return { rows: [...held, ...page.filter(({ id }) => !known.has(id))].slice(0, MOST_ROWS) };
}

/** A new first page before the rows that were loaded after the old one. */
function merged(first, held) {
  if (held.length <= first.length) return first;
  const known = new Set(first.map(({ id }) => id));
  return [...first, ...held.filter(({ id }) => !known.has(id))];
}

/** The rows that fit a view: at once from what is held, while the server is asked for the rest. */
export function fitting(rows, view) {
  const words = view.search.toLowerCase().split(/\s+/).filter(Boolean);
  const vendor = view.vendor.trim().toLowerCase();
  return rows.filter(
    (row) =>
      (!view.severity || row.severity === view.severity) &&
      (!view.ransomware || row.ransomware === true) &&
      (!view.exploited || row.known_exploited === true) &&
      (!view.source || row.sources.includes(view.source)) &&
      (!vendor || (row.vendor ?? "").toLowerCase().includes(vendor)) &&
      (!view.epss || (row.epss ?? -1) >= Number(view.epss)) &&
      fitsDays(row, view) &&
      words.every((word) => searchable(row).includes(word)),
  );
}

function fitsDays(row, { since, until }) {
  if (!since && !until) return true;
  const day = (row.date_added ?? row.published ?? row.updated ?? "").slice(0, 10);
  return Boolean(day) && (!since || day >= since) && (!until || day <= until);
}

function searchable(row) {
  return [row.id, ...(row.aliases ?? []), row.title, row.vendor, row.product, ...(row.tags ?? []), row.summary].join(" ").toLowerCase();
}

/** The question for a view: its first rows, as many as are `held` of it; or the page behind `cursor`. */
export function threatsQuestion(view, { cursor = null, held = 0 } = {}) {
  if (cursor) return { limit: PAGE, ...filtersOf(view), cursor };
  return { limit: Math.min(MOST_AT_ONCE, Math.max(PAGE, held)), ...filtersOf(view) };
}

/** EPSS as a person reads it: "94 %", "2.1 %", "< 0.1 %". */
export function percentText(score) {
  const percent = score * 100;
  if (percent >= 10) return `${Math.round(percent)} %`;
  return percent < 0.1 ? "< 0.1 %" : `${percent.toFixed(1)} %`;
}
