/** What a panel may claim about its data: the one place that decides loading, live, ageing, stale, partial, error, empty. */

import { agoText, spanText } from "./time.js";

/** Part of the time to live after which data counts as ageing. */
export const AGEING_FROM = 0.75;

export const LABELS = {
  loading: "Loading",
  live: "Live",
  ageing: "Ageing",
  stale: "Stale",
  partial: "Partial",
  error: "Error",
  empty: "Empty",
  setup: "Not set up",
};

/**
 * Decide the state.
 *
 * @param {object} facts
 * @param {boolean} facts.loaded there is data to show (an empty list counts)
 * @param {number|null} facts.asOf when the data was last confirmed (ms)
 * @param {number} facts.ttl seconds for which it counts as live
 * @param {boolean} facts.stale the server itself calls it stale
 * @param {number} facts.count rows in it
 * @param {Array} facts.sources ledger entries {status}
 * @param {boolean} facts.partial the server says that something is missing
 * @param {boolean} facts.failed the newest attempt ended in an error
 * @param {boolean} facts.connected the live connection stands
 * @param {number} facts.now server time (ms)
 * @returns {{state: string, label: string, age: number|null, expired: boolean, detail: string}} age in seconds
 */
export function freshness(facts) {
  const { loaded = false, asOf = null, now } = facts;
  const age = asOf === null ? null : Math.max(0, (now - asOf) / 1000);
  const expired = loaded && (age === null || age > (facts.ttl ?? 0));
  const state = decide(facts, age, expired);
  return { state, label: LABELS[state], age, expired, detail: detail(state, asOf, now, facts) };
}

function decide({ loaded, stale, count, sources = [], partial, failed, connected, ttl }, age, expired) {
  const unset = sources.length > 0 && sources.every((source) => source.status === "not_configured");
  if (unset && !count) return "setup";
  if (!loaded) return failed ? "error" : "loading";
  if (stale || expired) return "stale";
  if (failed && !count) return "error";
  if (partial || sources.some(missing)) return "partial";
  if (!connected || failed || age > ttl * AGEING_FROM) return "ageing";
  return count === 0 ? "empty" : "live";
}

/** A source whose part of the data is absent or old. One that nobody has set up is not missed. */
export function missing(source) {
  return source.status === "error" || source.status === "stale" || source.status === "disabled";
}

function detail(state, asOf, now, { connected }) {
  if (state === "loading" || state === "setup" || state === "error") return "";
  if (asOf === null) return "age unknown";
  const age = agoText(asOf, now);
  if (state === "stale") return `last confirmed ${age}`;
  return connected === false ? `${age}, connection lost` : age;
}

/** Seconds until the data stops counting as live; 0 when it has. For scheduling a look just after it. */
export function remaining(asOf, ttl, now) {
  return asOf === null ? 0 : Math.max(0, ttl - (now - asOf) / 1000);
}

/** "Waiting for 12 s": what a skeleton says when the first answer takes long. */
export function waitingText(since, now) {
  const seconds = (now - since) / 1000;
  return seconds < 8 ? "Loading…" : `Still waiting for the first answer (${spanText(seconds)})`;
}
