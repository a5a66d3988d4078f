/** Scans and their findings as things to draw. */

import { countText, numberText, parseTime, spanText } from "./time.js";

/** Seconds for which the list counts as live: it is asked for again before that, and changes are pushed. */
export const TTL = 300;
export const FORMATS = { sarif: "SARIF", trivy: "Trivy", grype: "Grype", nuclei: "Nuclei", cyclonedx: "CycloneDX", cve_list: "List of ids" };
export const STATUS_TONES = { queued: "off", running: "info", completed: "ok", failed: "bad", cancelled: "off" };
export const SEVERITIES = ["critical", "high", "medium", "low", "info", "unknown"];
export const NO_FILTERS = { severity: "", exploited: false, search: "" };
const MOST = 200;
/** Scans asked for at once at least, and most that the server gives. */
const PAGE = 20;
const MOST_AT_ONCE = 200;

export const EMPTY = { loaded: false, scans: [], total: 0, cursor: null, asOf: null, progress: {} };

/** How many scans to ask for: as many as are held, so that none goes from under the reader; a page where it is read on. */
export function listLimit({ scans }, more) {
  return more ? PAGE : Math.min(MOST_AT_ONCE, Math.max(PAGE, scans.length));
}

/** A page of the list: the first replaces what is held but for the scan that is `open`, a further one goes behind it. */
export function takeList(held, answer, now, { more = false, open = null } = {}) {
  const scans = more ? joined(held.scans, answer.scans) : joined(answer.scans, held.scans.filter(({ id }) => id === open));
  return { ...held, loaded: true, scans: scans.slice(0, MOST), total: answer.total, cursor: answer.next_cursor, asOf: now };
}

/** A scan as it ended, or as it stands; one that was deleted goes. One that is `counted` is in the total already. */
export function takeScan(held, scan, now, { counted = false } = {}) {
  const known = held.scans.some(({ id }) => id === scan.id);
  const { [scan.id]: _, ...progress } = held.progress;
  const rest = scan.status === "running" || scan.status === "queued" ? held.progress : progress;
  if (scan.status === "deleted") {
    return { ...held, progress, scans: held.scans.filter(({ id }) => id !== scan.id), total: held.total - (known ? 1 : 0), asOf: now };
  }
  const scans = known ? held.scans.map((one) => (one.id === scan.id ? scan : one)) : byAge([scan, ...held.scans]);
  return { ...held, loaded: true, progress: rest, scans: scans.slice(0, MOST), total: held.total + (known || counted ? 0 : 1), asOf: now };
}

/** How far a scan is. One that is not in the list yet is told back as unknown. */
export function takeProgress(held, progress, now) {
  const scans = held.scans.map((scan) => (scan.id === progress.scan_id && scan.status !== progress.status ? { ...scan, status: progress.status } : scan));
  return { ...held, scans, progress: { ...held.progress, [progress.scan_id]: progress }, asOf: now };
}

function byAge(scans) {
  return [...scans].sort((a, b) => (a.created_at < b.created_at ? 1 : a.created_at > b.created_at ? -1 : 0));
}

function joined(held, page) {
  const known = new Set(held.map(({ id }) => id));
  return [...held, ...page.filter(({ id }) => !known.has(id))];
}

/** Is it still being worked off? */
export function isRunning({ status }) {
  return status === "queued" || status === "running";
}

/** Was it joined while there was no catalogue? */
export function isIncomplete({ status, joined }) {
  return status === "completed" && !joined.complete;
}

/** "4,300 read · 2,100 per second · 3 s left", or what it waits for. */
export function progressText(progress) {
  if (!progress || progress.status === "queued") return "Waiting for its turn";
  if (progress.waiting) return progress.waiting;
  const verb = progress.phase === "joining" ? "joined anew" : "read";
  const parts = [`${numberText(progress.read)} ${verb}`];
  if (progress.rate >= 1) parts.push(`${numberText(Math.round(progress.rate))} per second`);
  if (progress.time_left !== null) parts.push(progress.time_left < 1 ? "almost done" : `${spanText(Math.ceil(progress.time_left))} left`);
  return parts.join(" · ");
}

/** "10,000 findings, 8 known exploited": what came of a scan. */
export function resultText(scan) {
  const parts = [countText(scan.findings, "finding")];
  if (scan.duplicates) parts.push(`${numberText(scan.duplicates)} told again`);
  if (scan.seconds >= 0.1 && scan.status === "completed") parts.push(`in ${scan.seconds < 10 ? scan.seconds.toFixed(1) : Math.round(scan.seconds)} s`);
  return parts.join(", ");
}

/** What a reader passed over and what is missing, in sentences. */
export function notes(scan) {
  const left = Object.entries(scan.left_out ?? {}).map(([what, count]) => `${numberText(count)} ${what}`);
  const out = left.length ? [`Left out: ${left.join("; ")}.`] : [];
  if (scan.status !== "completed") return out;
  if (!scan.joined.complete) out.push("No catalogue was there to join with: it is joined anew as soon as one is.");
  else if (scan.joined.missing.length) out.push(`Joined without ${scan.joined.missing.join(", ")}.`);
  return out;
}

/** When a scan was taken in (ms). */
export function takenIn(scan) {
  return parseTime(scan.created_at);
}

/** "52 kB", "9.0 MB". */
export function sizeText(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** The query of a scan's findings, also of their export: so that what is exported is what is shown. */
export function findingsQuery(filters, more = {}) {
  const query = new URLSearchParams();
  if (filters.severity) query.set("severity", filters.severity);
  if (filters.exploited) query.set("known_exploited", "true");
  if (filters.search.trim()) query.set("search", filters.search.trim());
  for (const [name, value] of Object.entries(more)) if (value) query.set(name, value);
  return query.toString();
}

/** {critical: 3, …} as [{name, count}], the worst first. */
export function bySeverity(counts) {
  return SEVERITIES.filter((name) => counts?.[name]).map((name) => ({ name, count: counts[name] }));
}
