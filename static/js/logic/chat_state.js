/** What the chat panel may claim: it has no age, but a connection, a model and a conversation. */

import { LABELS } from "./freshness.js";

/**
 * @param {object} facts
 * @param {boolean} facts.ready the first sync has been answered
 * @param {boolean} facts.connected
 * @param {object|null} facts.problem the conversation could not be read
 * @param {number} facts.count messages shown
 * @param {object|undefined} facts.feature grok_chat of the newest status
 * @param {object|undefined} facts.model the health check of the language model
 */
export function chatState(facts) {
  const state = decide(facts);
  return { state, label: state === "empty" ? "Ready" : LABELS[state], detail: detail(state, facts) };
}

function decide({ ready, connected, problem, count, feature, model }) {
  if (!ready) return connected || !count ? "loading" : "stale";
  if (!connected) return "stale";
  if (problem) return "error";
  if (feature && (feature.enabled === false || feature.circuit_breaker !== "closed")) return "partial";
  if (model && model.status !== "healthy") return "partial";
  return count ? "live" : "empty";
}

function detail(state, { ready, feature, model }) {
  if (state === "stale") return "connection lost";
  if (state !== "partial" || !ready) return "";
  if (feature?.enabled === false && feature.circuit_breaker === "closed") return "switched off, answers from local data";
  if (model?.status === "not_configured") return "no model set up, answers from local data";
  return "model not available, answers from local data";
}
