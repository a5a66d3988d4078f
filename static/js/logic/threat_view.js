/** Which threats the reader wants to see, as fields of the view, of the address and of the question to the server. */

export const SEVERITIES = ["critical", "high", "medium", "low", "unknown"];
/** Orders by name, and what they are called. */
export const SORTS = { priority: "Priority", newest: "Newest", updated: "Last changed", epss: "EPSS", cvss: "CVSS", due: "Due date" };
export const DEFAULT_SORT = "priority";
/** Least probabilities of exploitation that are worth a choice. */
export const LIKELIHOODS = [0.01, 0.1, 0.5, 0.9];

const SEARCH_LIMIT = 100;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** Nothing filtered. */
export const ALL_THREATS = Object.freeze({
  severity: "", search: "", ransomware: false, exploited: false, source: "", vendor: "", epss: "", since: "", until: "", sort: DEFAULT_SORT,
});

/** Read the threats' part of an address; anything unknown falls back to its default. */
export function readThreats(given) {
  return {
    severity: oneOf(given.get("severity"), SEVERITIES, ""),
    search: (given.get("q") ?? "").slice(0, SEARCH_LIMIT),
    ransomware: given.get("ransomware") === "1",
    exploited: given.get("exploited") === "1",
    source: /^[a-z0-9_]{1,64}$/.test(given.get("source") ?? "") ? given.get("source") : "",
    vendor: (given.get("vendor") ?? "").slice(0, SEARCH_LIMIT),
    epss: LIKELIHOODS.includes(Number(given.get("epss"))) ? String(Number(given.get("epss"))) : "",
    since: day(given.get("since")),
    until: day(given.get("until")),
    sort: oneOf(given.get("sort"), Object.keys(SORTS), DEFAULT_SORT),
  };
}

/** Write the threats' part of an address: pairs of name and value, without what is default. */
export function writeThreats(view) {
  return [
    ["severity", view.severity],
    ["q", view.search.trim()],
    ["ransomware", view.ransomware ? "1" : ""],
    ["exploited", view.exploited ? "1" : ""],
    ["source", view.source],
    ["vendor", view.vendor.trim()],
    ["epss", view.epss],
    ["since", view.since],
    ["until", view.until],
    ["sort", view.sort === DEFAULT_SORT ? "" : view.sort],
  ].filter(([, value]) => value);
}

/** True when the list is not the one that is pushed: filtered in any way, or in another order. */
export function isFiltered(view) {
  return writeThreats(view).length > 0;
}

/** True when both show the same list. */
export function sameThreats(a, b) {
  return Boolean(a && b) && JSON.stringify(writeThreats(a)) === JSON.stringify(writeThreats(b));
}

/** How many filters are set among those that are folded away. */
export function foldedFilters(view) {
  return [view.source, view.vendor.trim(), view.epss, view.since, view.until].filter(Boolean).length;
}

/** The filters as the server knows them; what is not set is left out. */
export function filtersOf(view) {
  const filters = {
    severity: view.severity,
    search: view.search.trim(),
    ransomware: view.ransomware,
    known_exploited: view.exploited,
    source: view.source,
    vendor: view.vendor.trim(),
    epss_min: view.epss ? Number(view.epss) : "",
    since: view.since,
    until: view.until,
    sort: view.sort === DEFAULT_SORT ? "" : view.sort,
  };
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value));
}

/** The address of a file with the first `count` rows of a view. */
export function exportAddress(view, format, count) {
  return `/api/threats/export?${new URLSearchParams({ format, ...filtersOf(view), limit: String(Math.max(1, count)) })}`;
}

function day(value) {
  return DATE.test(value ?? "") && !Number.isNaN(Date.parse(value)) ? value : "";
}

function oneOf(value, known, otherwise) {
  return known.includes(value) ? value : otherwise;
}
