/** The experiment summary as things to draw. */

import { countText, parseTime } from "./time.js";

/** {name: count} → [{name, count, share}] largest first; share of the total, 0 to 1. */
export function shares(counts) {
  const entries = Object.entries(counts ?? {}).filter(([, count]) => count > 0);
  const total = entries.reduce((sum, [, count]) => sum + count, 0);
  return entries
    .map(([name, count]) => ({ name, count, share: count / total }))
    .sort((a, b) => b.count - a.count || a.name.localeCompare(b.name));
}

/** Types and statuses that an experiment may have. */
export const TYPES = ["security_scan", "chaos_drill", "ab_test", "benchmark"];
export const STATUS_TONES = { pending: "off", running: "info", completed: "ok", failed: "bad", cancelled: "off" };

/** "ab_test" → "A/B test", "chaos_drill" → "Chaos drill". */
export function nameText(name) {
  const words = name === "ab_test" ? "A/B test" : name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Read the text of the parameters field: {value} or {error}. Empty text is an empty object. */
export function parseParameters(text) {
  if (!text.trim()) return { value: {} };
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" && !Array.isArray(value)
      ? { value }
      : { error: 'Write one JSON object, such as {"depth": 2}.' };
  } catch {
    return { error: 'This is not JSON. Write one object, such as {"depth": 2}, or leave it empty.' };
  }
}

/** Seconds for which a summary counts as live. The server keeps one for 300 s unless an experiment changes, and pushes changes. */
const TTL = 450;

/** What is held of a payload of summary_update. */
export function takeSummary(payload) {
  return {
    total: payload.total_experiments,
    experiments: payload.experiments,
    byType: payload.experiments_by_type,
    byStatus: payload.experiments_by_status,
    lastWeek: payload.recent_activity.last_7_days,
    rate: payload.recent_activity.completion_rate,
    asOf: parseTime(payload.timestamp),
    ttl: TTL,
    stale: payload.stale === true,
    partial: payload.partial_failure,
    cached: payload.cached,
    sources: [],
    faults: faults(payload),
  };
}

/** What is missing in it, in sentences. */
function faults({ errors = {}, invalid_rows: damaged = 0, stale, message }) {
  const parts = Object.entries(errors).map(([part, text]) => `${nameText(part)}: ${text}`);
  if (damaged) parts.push(`${countText(damaged, "damaged row")} left out.`);
  if (stale && message) parts.push(message);
  return parts;
}
