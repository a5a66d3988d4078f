/**
 * One conversation as a list of messages. Every function takes a list and returns a new one (or the same, when nothing
 * changed). What arrives twice, late or from another tab leaves the list right.
 *
 * A message: {id, role, text, status, at, sources, clientId?, index?, problem?, degraded?, reason?, notes?}
 * status of a question: sending | sent | unconfirmed; of an answer: thinking | streaming | complete | stopped | truncated |
 * incomplete | interrupted | failed. `index` is the number of the last piece in `text`.
 */

/** Messages of one conversation that a browser holds at most; the oldest go first. */
export const MOST_MESSAGES = 200;
const RUNNING = new Set(["thinking", "streaming"]);
const PENDING = new Set(["sending", "unconfirmed"]);

/** Show a question at once, before the server has accepted it. */
export function ask(messages, { clientId, text, at }) {
  return bounded([...messages, { id: `own-${clientId}`, clientId, role: "user", text, at, status: "sending", sources: [] }]);
}

/** The server has accepted it and will answer under `message_id`. */
export function accepted(messages, clientId, { message_id: answerId }) {
  return begun(changed(messages, byClient(clientId), { status: "sent" }), answerId);
}

/** It is not known whether the server has it: the connection broke before the ack. */
export function unconfirmed(messages, clientId) {
  return changed(messages, byClient(clientId), { status: "unconfirmed" });
}

/** The server refused it: it leaves the list, its text goes back to the writer. */
export function refused(messages, clientId) {
  return messages.filter((message) => message.clientId !== clientId);
}

/** An answer has begun; the question may come from another tab. */
export function thinking(messages, payload) {
  const known = messages.some((message) => message.clientId === payload.client_message_id || message.id === payload.question_id);
  const question = {
    id: payload.question_id,
    clientId: payload.client_message_id,
    role: "user",
    text: payload.question,
    at: payload.timestamp,
    status: "sent",
    sources: [],
  };
  const asked = known ? changed(messages, byClient(payload.client_message_id), { status: "sent" }) : [...messages, question];
  return begun(asked, payload.message_id, payload.timestamp);
}

/**
 * The next piece. A piece that is in the text already is dropped.
 *
 * @returns {{messages: Array, hole: boolean}} hole: pieces are missing before it, so the history must be read
 */
export function delta(messages, payload) {
  const listed = begun(messages, payload.message_id);
  const answer = listed.find(({ id }) => id === payload.message_id);
  if (!RUNNING.has(answer.status) || payload.index <= answer.index) return { messages: listed, hole: false };
  if (payload.index > answer.index + 1) return { messages: listed, hole: true };
  const grown = { text: answer.text + payload.delta, index: payload.index, status: "streaming" };
  return { messages: changed(listed, byId(answer.id), grown), hole: false };
}

/** The whole answer. */
export function response(messages, payload) {
  return changed(begun(messages, payload.message_id), byId(payload.message_id), {
    text: payload.response,
    status: payload.stopped ? "stopped" : payload.is_error ? "failed" : payload.truncated ? "truncated" : "complete",
    at: payload.timestamp,
    sources: payload.sources ?? [],
    degraded: payload.degraded === true,
    reason: payload.reason ?? null,
    unknownIds: payload.unknown_ids ?? [],
    notice: payload.notice ?? "",
    problem: null,
  });
}

/** No answer, or one that broke off; what had been said stays. */
export function failure(messages, payload, problem) {
  const answer = messages.find(({ id }) => id === payload.message_id);
  return changed(begun(messages, payload.message_id), byId(payload.message_id), {
    text: payload.partial_text ?? payload.fallback?.response ?? answer?.text ?? "",
    status: "failed",
    at: payload.timestamp,
    sources: payload.fallback?.sources ?? [],
    notice: payload.notice ?? "",
    problem,
  });
}

/**
 * Take what the server has of the conversation. Questions that it does not know yet stay at the end, as does what has come
 * since it was asked: the history may be older than that. An answer that has grown further here keeps its text.
 *
 * @param {Array} [before] the list when the history was asked for
 */
export function history(messages, rows, before = messages) {
  const taken = rows.map((row) => fromRow(row, messages.find(({ id }) => id === row.id)));
  const settled = new Set(before.filter(({ status }) => !PENDING.has(status)).map(({ id }) => id));
  const late = missing(taken, messages).filter(({ id, status }) => PENDING.has(status) || !settled.has(id));
  return bounded([...taken, ...late]);
}

/** Messages that are not among the rows. Of an own question the server gave the row another id: its words tell. */
function missing(rows, messages) {
  const ids = (list) => new Set(list.map(({ id }) => id));
  const [known, held] = [ids(rows), ids(messages)];
  const asked = rows.filter(({ id, role }) => role === "user" && !held.has(id)).map(({ text }) => text);
  return messages.filter(({ id, role, text }) => {
    if (known.has(id)) return false;
    const at = role === "user" ? asked.indexOf(text.trim()) : -1;
    if (at >= 0) asked.splice(at, 1);
    return at < 0;
  });
}

function fromRow(row, held) {
  const index = row.last_index ?? -1;
  if (held && row.status === "streaming" && (held.index > index || !RUNNING.has(held.status))) return held;
  const kept = held && held.role === row.role && !RUNNING.has(held.status) ? held : {};
  const status = row.role === "user" ? "sent" : row.status === "streaming" && index < 0 ? "thinking" : row.status;
  const base = { id: row.id, role: row.role, text: row.content, at: row.created_at, sources: row.sources ?? [], index };
  if (row.unknown_ids) base.unknownIds = row.unknown_ids;
  return { ...kept, ...base, status: kept.status === "failed" ? "failed" : status };
}

/** The answer that is being made, or undefined. */
export function running(messages) {
  return messages.findLast((message) => message.role === "assistant" && RUNNING.has(message.status));
}

/** The question of an answer is asked again: one more answer begins. */
export function askedAgain(messages, { message_id: answerId }) {
  return begun(messages, answerId);
}

function begun(messages, answerId, at = null) {
  if (messages.some(({ id }) => id === answerId)) return messages;
  return bounded([...messages, { id: answerId, role: "assistant", text: "", status: "thinking", at, sources: [], index: -1 }]);
}

function changed(messages, is, changes) {
  return messages.map((message) => (is(message) ? { ...message, ...changes } : message));
}

const byId = (id) => (message) => message.id === id;
const byClient = (clientId) => (message) => clientId !== undefined && message.clientId === clientId;
const bounded = (messages) => (messages.length > MOST_MESSAGES ? messages.slice(-MOST_MESSAGES) : messages);
