/** The line under each panel that says which sources stand behind what is shown. */

import { missing } from "./freshness.js";
import { agoText, countText, inText, parseTime } from "./time.js";

const STATUS_WORDS = {
  live: "live",
  stale: "stale",
  error: "failing",
  loading: "loading",
  not_configured: "not set up",
  disabled: "switched off",
};

/**
 * The line in parts: ["2 of 2 sources", "CISA KEV confirmed 3 min ago", "next try in 20 s"].
 *
 * @param {Array} sources ledger entries of the payload
 * @param {number} now server time (ms)
 */
export function ledgerParts(sources, now) {
  if (!sources?.length) return [];
  const wanted = sources.filter((source) => source.status !== "not_configured");
  if (!wanted.length) return ["no source is set up"];
  const live = wanted.filter((source) => source.status === "live");
  const parts = [`${live.length} of ${countText(wanted.length, "source")}`];
  const failing = wanted.filter(missing);
  if (failing.length) parts.push(...failing.slice(0, 2).map((source) => missingText(source, now)));
  else if (live.length) parts.push(confirmedText(oldest(live), now));
  const next = nextTry(failing.length ? failing : wanted, now);
  if (next !== null) parts.push(`next try ${inText(next, now)}`);
  return parts;
}

/** What the failing sources say, as a problem to show above older data; null where none has anything to say. */
export function sourcesProblem(sources) {
  const failing = sources.filter((source) => missing(source) && source.error);
  if (!failing.length) return null;
  const names = failing.map((source) => source.title ?? source.name);
  const [first] = failing;
  return {
    title: names.length > 2 ? `${names.length} of ${sources.length} sources: no fresh data` : `${names.join(", ")}: no fresh data`,
    message: first.error,
    suggestion: first.suggestion ?? "",
    id: "",
    retryAt: parseTime(first.next_try),
    automatic: true,
    recoverable: true,
  };
}

/** One source in words for the opened ledger: {title, word, status, when, next, records}. */
export function ledgerRow(source, now) {
  const confirmed = parseTime(source.as_of);
  const next = parseTime(source.next_try);
  return {
    title: source.title ?? source.name,
    status: source.status,
    word: STATUS_WORDS[source.status] ?? source.status,
    when: confirmed === null ? "never confirmed" : `confirmed ${agoText(confirmed, now)}${source.via ? ` by ${source.via}` : ""}`,
    next: next === null || source.status === "not_configured" ? "" : `next try ${inText(next, now)}`,
    records: source.records ?? 0,
    error: source.error ?? "",
    suggestion: source.suggestion ?? "",
    breaker: source.circuit_breaker === "closed" ? "" : (source.circuit_breaker ?? "").replace("_", "-"),
  };
}

function missingText(source, now) {
  const confirmed = parseTime(source.as_of);
  const word = STATUS_WORDS[source.status];
  const title = source.title ?? source.name;
  return confirmed === null ? `${title} ${word}` : `${title} ${word}, data from ${agoText(confirmed, now)}`;
}

function confirmedText(source, now) {
  const at = parseTime(source.as_of);
  const title = source.title ?? source.name;
  return at === null ? title : `${title} confirmed ${agoText(at, now)}`;
}

/** The live source that was confirmed longest ago: the honest one to name. */
function oldest(sources) {
  return sources.reduce((a, b) => ((parseTime(b.as_of) ?? 0) < (parseTime(a.as_of) ?? 0) ? b : a));
}

/** The earliest try that lies ahead, else null: a moment that has passed is no promise. */
function nextTry(sources, now) {
  const times = sources.map((source) => parseTime(source.next_try)).filter((at) => at !== null && at > now);
  return times.length ? Math.min(...times) : null;
}
