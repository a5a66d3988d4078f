/** Features, breakers and health in words. */

import { inText, parseTime } from "./time.js";

const TITLES = {
  threat_intelligence: "Threat intelligence",
  community_pulse: "Community pulse",
  grok_chat: "Chat",
  dashboard_data: "Dashboard data",
  scan_processing: "Scan processing",
  llm: "Language model",
  llm_models: "List of models",
  cisa_kev: "CISA KEV",
  nvd: "NVD",
  ghsa: "GitHub advisories",
  misp: "MISP feed",
  urlhaus: "URLhaus",
  threatfox: "ThreatFox",
  otx: "OTX",
  epss: "FIRST EPSS",
  hacker_news: "Hacker News",
};

/**
 * "threat_intelligence" → "Threat intelligence", "feed:example.com/rss" → "example.com/rss"; other names lose their underscores.
 *
 * @param {object} [titles] name → title, as the sources call themselves
 */
export function featureTitle(name, titles = {}) {
  const known = titles[name] ?? TITLES[name];
  if (known) return known;
  if (name.startsWith("feed:")) return name.slice("feed:".length);
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** "half_open" → "half-open"; "none" where there is no breaker. */
export function breakerWord(state) {
  return state ? state.replaceAll("_", "-") : "none";
}

const OPEN = new Set(["open", "forced_open"]);

/**
 * One feature as a row: {name, title, tone: ok|warn|bad|off, word, failures, reason, dependencies}.
 * Off by hand and off by its breaker are different things and look different.
 */
export function featureRow([name, feature], since, now, titles = {}) {
  const breaker = feature.circuit_breaker ?? "";
  const dependencies = Object.entries(feature.dependencies ?? {}).map((entry) => dependencyRow(entry, since, now, titles));
  return {
    name,
    title: featureTitle(name),
    ...verdict(feature, breaker, dependencies),
    breaker: breakerWord(breaker),
    failures: feature.failures ?? 0,
    enabled: feature.enabled !== false,
    reason: feature.reason ?? "",
    dependencies,
  };
}

function verdict(feature, breaker, dependencies) {
  if (OPEN.has(breaker)) return { tone: "bad", word: "Circuit open" };
  if (feature.enabled === false) return { tone: "off", word: "Switched off" };
  if (breaker === "half_open") return { tone: "warn", word: "Probing" };
  if (dependencies.some(({ tone }) => tone !== "ok")) return { tone: "warn", word: "Degraded" };
  return { tone: "ok", word: "Working" };
}

/** `since`: when the report was made (ms); retry_after counts from then. */
function dependencyRow([name, dependency], since, now, titles) {
  const state = dependency.circuit_breaker ?? "";
  const waits = Number(dependency.retry_after);
  const probe = state === "open" && Number.isFinite(waits) ? since + waits * 1000 : null;
  return {
    name,
    title: featureTitle(name, titles),
    tone: OPEN.has(state) ? "bad" : state === "half_open" ? "warn" : "ok",
    breaker: breakerWord(state),
    failures: dependency.failures ?? 0,
    probe: probe === null ? "" : `probe ${inText(probe, now)}`,
  };
}

/** Response times below this (seconds) are those of checks that only look into memory. */
const NOTEWORTHY = 0.00005;

/** Health checks as rows, those in trouble first. */
export function checkRows(checks, titles) {
  const rows = Object.entries(checks).map((entry) => checkRow(entry, titles));
  return [...rows.filter(({ tone }) => tone !== "ok"), ...rows.filter(({ tone }) => tone === "ok")];
}

/** A health check as a row. response_time is in seconds. */
function checkRow([name, check], titles) {
  const tones = { healthy: "ok", degraded: "warn", unhealthy: "bad", not_configured: "off" };
  const seconds = Number(check.response_time);
  const timed = check.response_time !== null && seconds >= NOTEWORTHY;
  return {
    name,
    title: featureTitle(name, titles),
    tone: tones[check.status] ?? "warn",
    word: (check.status ?? "unknown").replaceAll("_", " "),
    time: timed ? milliseconds(seconds) : "",
    message: check.message ?? "",
  };
}

export const HEALTH = {
  healthy: { tone: "ok", label: "Healthy" },
  degraded: { tone: "warn", label: "Degraded" },
  unhealthy: { tone: "bad", label: "Unhealthy" },
};

function milliseconds(seconds) {
  const ms = seconds * 1000;
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

/** What changed between two reports, in sentences to announce: features whose state differs. */
export function featureChanges(before, after) {
  if (!before) return [];
  return Object.entries(after).flatMap(([name, feature]) => {
    const old = before[name];
    if (!old || (old.circuit_breaker === feature.circuit_breaker && old.enabled === feature.enabled)) return [];
    const { word } = verdict(feature, feature.circuit_breaker ?? "", []);
    return [`${featureTitle(name)}: ${word.toLowerCase()}`];
  });
}

/** Seconds for which a report counts as live; the server makes one at least every ten. */
const TTL = 30;

/** What is held of a payload of status_update. */
export function takeStatus(payload) {
  return {
    features: payload.features,
    errors: payload.errors,
    checks: payload.checks ?? {},
    health: payload.health,
    asOf: parseTime(payload.timestamp),
    ttl: TTL,
    stale: false,
    sources: [],
  };
}
