/** The live connection in words, and when to try again. */

import { spanText } from "./time.js";

/** Seconds of silence after which the peer is asked for a sign of life, and how long that may take: 13 s in all. */
export const QUIET_SECONDS = 9;
export const PROBE_SECONDS = 4;
/** Seconds without a connection after which it is called offline. */
export const OFFLINE_SECONDS = 30;

/**
 * Seconds until try number `attempt` (0 is the first): doubling from half a second to ten, spread by half.
 * The spread keeps a thousand browsers from knocking in the same instant after a restart.
 */
export function retryDelay(attempt, random = Math.random) {
  const full = Math.min(10, 0.5 * 2 ** attempt);
  return full * (0.5 + random() / 2);
}

/**
 * @param {object} link {phase: connecting|live|reconnecting, since, heardAt, nextTryAt, online} times in local ms
 * @param {number} now local ms
 * @returns {{kind: "live"|"connecting"|"reconnecting"|"offline", label: string, detail: string}}
 */
export function connectionText(link, now) {
  if (link.phase === "live") return { kind: "live", label: "Live", detail: heard(link, now) };
  const down = (now - link.since) / 1000;
  if (link.online === false) return { kind: "offline", label: "Offline", detail: spanText(down) };
  const next = link.nextTryAt ? `next try in ${spanText(Math.max(0, Math.ceil((link.nextTryAt - now) / 1000)))}` : "trying";
  if (down >= OFFLINE_SECONDS) return { kind: "offline", label: "Offline", detail: `${spanText(down)}, ${next}` };
  if (link.phase === "connecting") return { kind: "connecting", label: "Connecting", detail: spanText(down) };
  return { kind: "reconnecting", label: "Reconnecting", detail: `${spanText(down)}, ${next}` };
}

function heard(link, now) {
  return link.heardAt ? `heard ${spanText((now - link.heardAt) / 1000)} ago` : "";
}
