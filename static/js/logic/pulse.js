/** The community pulse as things to draw. */

import { countText, parseTime } from "./time.js";

/** What is held of a payload of pulse_update. */
export function takePulse(payload) {
  return {
    loaded: payload.as_of !== null,
    window: payload.window,
    topics: payload.topics,
    asOf: parseTime(payload.as_of),
    ttl: payload.ttl,
    stale: payload.stale,
    sources: payload.sources,
    total: payload.items_total,
    message: payload.message ?? "",
    suggestion: payload.suggestion ?? "",
  };
}

/** What a topic is, where its name does not say it. */
export const KIND_WORDS = { actor: "actor", product: "product" };

/** Who talks about a topic, in words. */
export function factsText({ authors, source_names: names = [], burst }) {
  const shown = names.slice(0, 4).join(", ") + (names.length > 4 ? ` and ${names.length - 4} more` : "");
  return [shown, authors ? countText(authors, "author") : "", burst === null ? "no history yet to tell a burst" : ""].filter(Boolean).join(" · ");
}

/** Where an item is from, by whom, and when. */
export function itemFacts({ source, source_names: names, author }, ago) {
  return [names?.length > 1 ? names.join(", ") : source, author ?? "", ago].filter(Boolean).join(" · ");
}

/** The trend of a topic: {tone, text}. Velocity is in mentions per hour against the window before. */
export function trend({ velocity, burst }) {
  const speed = `${velocity > 0 ? "+" : velocity < 0 ? "−" : "±"}${speedText(Math.abs(velocity))}/h`;
  if (burst !== null && burst >= 2) return { tone: "bad", arrow: "▲▲", text: speed, hint: `bursting: ${burst.toFixed(1)} deviations above its usual share` };
  if (velocity > 0) return { tone: "warn", arrow: "▲", text: speed, hint: "rising" };
  if (velocity < 0) return { tone: "off", arrow: "▼", text: speed, hint: "falling" };
  return { tone: "off", arrow: "▬", text: speed, hint: "steady" };
}

function speedText(value) {
  if (value >= 10) return String(Math.round(value));
  if (value >= 1) return value.toFixed(1);
  return value < 0.01 ? "0" : value.toFixed(2);
}

/** Mentions of each topic as a share of the most mentioned one. */
export function mentionShare(topic, topics) {
  const most = Math.max(1, ...topics.map(({ mentions }) => mentions));
  return topic.mentions / most;
}
