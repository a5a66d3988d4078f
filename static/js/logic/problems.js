/** Every kind of failure in one form that a panel can show: what happened, what to do, when, under which id. */

/** The code of what never got an answer. */
export const NO_ANSWER = "NO_ANSWER";
const FALLBACK = "Try again in a moment. If it happens again, tell your administrator the error id.";

/**
 * @param {object} raw a socket error event, an ack's error or a REST error body
 * @param {number} now ms, for retry_after
 * @returns {{title, message, suggestion, code, id, retryAt: number|null, recoverable: boolean, fields: object}}
 */
export function toProblem(raw, now) {
  const given = raw ?? {};
  const retryAfter = Number(given.retry_after);
  return {
    title: given.error || "That did not work",
    message: given.message && given.message !== given.error ? given.message : "",
    suggestion: given.suggestion || (given.message ? "" : FALLBACK),
    code: given.error_code ?? given.type ?? "",
    id: given.error_id ?? "",
    retryAt: Number.isFinite(retryAfter) && retryAfter > 0 ? now + retryAfter * 1000 : null,
    recoverable: given.recoverable !== false,
    fields: fieldErrors(given.details),
  };
}

/** A failure that never reached the server, or whose answer never reached us. */
export function lostProblem(what) {
  return toProblem({
    error: what,
    error_code: NO_ANSWER,
    message: "The server did not answer.",
    suggestion: "The page keeps trying to reach the server. Try again when the connection is live.",
  });
}

/** {field: "sentence sentence"} of validation details, whatever their depth. */
export function fieldErrors(details) {
  if (!details || typeof details !== "object" || Array.isArray(details)) return {};
  return Object.fromEntries(Object.entries(details).map(([field, faults]) => [field, flatten(faults).join(" ")]));
}

function flatten(faults) {
  if (typeof faults === "string") return [faults];
  if (faults && typeof faults === "object") return Object.values(faults).flatMap(flatten);
  return [];
}

/** Sentences in a row, each with its end; what is empty is left out. */
export function sentences(...parts) {
  return parts
    .filter(Boolean)
    .map((part) => (/[.!?…]$/.test(part) ? part : `${part}.`))
    .join(" ");
}
