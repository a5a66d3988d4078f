import assert from "node:assert/strict";
import { test } from "node:test";
import * as chat from "../../static/js/logic/chat.js";
import { chatState } from "../../static/js/logic/chat_state.js";

const IDS = { conversation_id: "c", message_id: "a1" };
const THINKING = { ...IDS, question: "Why?", question_id: "q1", client_message_id: "m1", timestamp: "t" };
const asked = () => chat.ask([], { clientId: "m1", text: "Why?", at: "t" });
const piece = (index, delta) => ({ ...IDS, index, delta });
const told = (messages) => messages.map(({ role, text, status }) => [role, text, status]);

test("a question is shown at once and confirmed by the ack", () => {
  const messages = chat.accepted(asked(), "m1", IDS);
  assert.deepEqual(told(messages), [["user", "Why?", "sent"], ["assistant", "", "thinking"]]);
});

test("the ack and chat_thinking may come in either order, and twice", () => {
  const one = chat.thinking(chat.accepted(asked(), "m1", IDS), THINKING);
  const other = chat.accepted(chat.thinking(chat.thinking(asked(), THINKING), THINKING), "m1", IDS);
  assert.deepEqual(told(one), told(other));
  assert.equal(one.length, 2);
});

test("another tab learns the question from chat_thinking", () => {
  assert.deepEqual(told(chat.thinking([], THINKING)), [["user", "Why?", "sent"], ["assistant", "", "thinking"]]);
});

test("pieces make the text; one that is in it already changes nothing", () => {
  let messages = chat.accepted(asked(), "m1", IDS);
  for (const next of [piece(0, "Be"), piece(1, "cause"), piece(1, "cause"), piece(0, "Be")]) messages = chat.delta(messages, next).messages;
  assert.equal(messages[1].text, "Because");
  assert.equal(messages[1].status, "streaming");
});

test("a piece after a hole is told as a hole and not written", () => {
  const messages = chat.delta(chat.accepted(asked(), "m1", IDS), piece(0, "a")).messages;
  const { messages: same, hole } = chat.delta(messages, piece(2, "c"));
  assert.equal(hole, true);
  assert.equal(same[1].text, "a");
});

test("the history resumes an answer in the middle, and later pieces join it", () => {
  const rows = [
    { id: "q1", role: "user", content: "Why?", status: "complete", created_at: "t", sources: [] },
    { id: "a1", role: "assistant", content: "Because", status: "streaming", created_at: "t", sources: [], last_index: 1 },
  ];
  let messages = chat.history([], rows);
  messages = chat.delta(messages, piece(1, "cause")).messages;
  messages = chat.delta(messages, piece(2, "!")).messages;
  assert.deepEqual(told(messages), [["user", "Why?", "sent"], ["assistant", "Because!", "streaming"]]);
});

test("a history that is older than what has come meanwhile does not take text back", () => {
  let messages = chat.accepted(asked(), "m1", IDS);
  for (const next of [piece(0, "Be"), piece(1, "cause")]) messages = chat.delta(messages, next).messages;
  const rows = [{ id: "a1", role: "assistant", content: "Be", status: "streaming", created_at: "t", sources: [], last_index: 0 }];
  assert.equal(chat.history(messages, rows).find(({ id }) => id === "a1").text, "Because");
});

test("an answer that has ended is not begun again by a history that was read before its end", () => {
  const payload = { ...IDS, response: "Because.", is_error: false, degraded: false, sources: [], timestamp: "t" };
  const rows = [{ id: "a1", role: "assistant", content: "", status: "streaming", created_at: "t", sources: [] }];
  const ended = chat.response(chat.accepted(asked(), "m1", IDS), payload);
  assert.deepEqual(told(chat.history(ended, rows)), [["assistant", "Because.", "complete"]]);
  const failed = chat.failure(chat.accepted(asked(), "m1", IDS), { ...IDS, timestamp: "t" }, { title: "No answer" });
  assert.deepEqual(told(chat.history(failed, rows)), [["assistant", "", "failed"]]);
});

test("a question with the words of an earlier one is a question of its own", () => {
  const rows = [{ id: "q1", role: "user", content: "Why?", status: "complete", created_at: "t", sources: [] }];
  const own = chat.accepted(asked(), "m1", IDS);
  for (const held of [own, chat.history([], rows)]) {
    const messages = chat.ask(held, { clientId: "m2", text: "Why?", at: "t" });
    assert.deepEqual(told(chat.history(messages, rows)), [["user", "Why?", "sent"], ["user", "Why?", "sending"]]);
  }
});

test("questions that the server does not have yet stay behind its history", () => {
  const messages = chat.unconfirmed(chat.ask([], { clientId: "m2", text: "And?", at: null }), "m2");
  const rows = [{ id: "q1", role: "user", content: "Why?", status: "complete", created_at: "t", sources: [] }];
  assert.deepEqual(told(chat.history(messages, rows)), [["user", "Why?", "sent"], ["user", "And?", "unconfirmed"]]);
});

test("the whole answer replaces its pieces and ends it", () => {
  const payload = { ...IDS, response: "Because.", is_error: false, degraded: true, sources: [{ id: "D-1" }], timestamp: "t" };
  const messages = chat.response(chat.accepted(asked(), "m1", IDS), payload);
  assert.deepEqual(told(messages)[1], ["assistant", "Because.", "complete"]);
  assert.equal(messages[1].degraded, true);
  assert.deepEqual(chat.delta(messages, piece(5, "late")).messages, messages);
  assert.equal(chat.running(messages), undefined);
});

test("stopped, cut off and failed answers are told apart", () => {
  const end = (more) => chat.response(chat.accepted(asked(), "m1", IDS), { ...IDS, response: "x", timestamp: "t", ...more })[1].status;
  assert.deepEqual([end({ stopped: true }), end({ truncated: true }), end({ is_error: true })], ["stopped", "truncated", "failed"]);
});

test("a failure keeps what had been said", () => {
  const messages = chat.delta(chat.accepted(asked(), "m1", IDS), piece(0, "Half")).messages;
  const failed = chat.failure(messages, { ...IDS, timestamp: "t" }, { title: "No answer" });
  assert.deepEqual(told(failed)[1], ["assistant", "Half", "failed"]);
  assert.equal(failed[1].problem.title, "No answer");
});

test("a failure without a word shows what the local data says", () => {
  const fallback = { response: "From local data", sources: [{ id: "CVE-2026-1" }] };
  const [, failed] = chat.failure(chat.accepted(asked(), "m1", IDS), { ...IDS, fallback, timestamp: "t" }, { title: "No answer" });
  assert.deepEqual([failed.text, failed.sources.length, failed.status], ["From local data", 1, "failed"]);
});

test("a refused question leaves the list", () => assert.deepEqual(chat.refused(asked(), "m1"), []));

test("an answer whose question is asked again stays, and one more begins, once", () => {
  const failed = chat.failure(chat.accepted(asked(), "m1", IDS), { ...IDS, partial_text: "Half", timestamp: "t" }, { title: "No answer" });
  const again = chat.askedAgain(failed, { message_id: "a2" });
  assert.deepEqual(told(again).slice(1), [["assistant", "Half", "failed"], ["assistant", "", "thinking"]]);
  assert.equal(chat.askedAgain(again, { message_id: "a2" }), again);
});

test("an answer cut off by its length and one that broke off are not the same", () => {
  const whole = chat.response(chat.accepted(asked(), "m1", IDS), { ...IDS, response: "Long", truncated: true });
  assert.equal(whole[1].status, "truncated");
  const rows = [{ id: "a1", role: "assistant", content: "Half", status: "incomplete", unknown_ids: ["CVE-2026-1"] }];
  assert.deepEqual([chat.history([], rows)[0].status, chat.history([], rows)[0].unknownIds], ["incomplete", ["CVE-2026-1"]]);
});

test("a conversation is bounded", () => {
  let messages = [];
  for (let n = 0; n < 300; n += 1) messages = chat.ask(messages, { clientId: `m${n}`, text: "x", at: null });
  assert.equal(messages.length, chat.MOST_MESSAGES);
  assert.equal(messages.at(-1).clientId, "m299");
});

const READY = { ready: true, connected: true, problem: null, count: 1, feature: { enabled: true, circuit_breaker: "closed" }, model: { status: "healthy" } };
const state = (changes) => chatState({ ...READY, ...changes }).state;

test("the chat never claims more than connection and model allow", () => {
  assert.equal(state({}), "live");
  assert.equal(state({ count: 0 }), "empty");
  assert.equal(state({ connected: false }), "stale");
  assert.equal(state({ ready: false, count: 0 }), "loading");
  assert.equal(state({ problem: {} }), "error");
  assert.equal(state({ feature: { enabled: true, circuit_breaker: "open" } }), "partial");
  assert.equal(state({ model: { status: "not_configured" } }), "partial");
  assert.match(chatState({ ...READY, model: { status: "not_configured" } }).detail, /no model set up/);
});
