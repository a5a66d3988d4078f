import assert from "node:assert/strict";
import { test } from "node:test";
import { Conversation } from "../../static/js/state/conversation.js";
import { Outbox } from "../../static/js/state/outbox.js";
import { Store } from "../../static/js/state/store.js";

/** A conversation over a session whose acks the test gives. */
function opened({ id = "", waiting = [] } = {}) {
  const handlers = {};
  const sent = [];
  const store = new Store({ view: { conversation: id } });
  const session = {
    connected: true,
    now: () => 0,
    on: (event, handler) => (handlers[event] = handler),
    send: (event, payload) => new Promise((resolve, reject) => sent.push({ event, payload, resolve, reject })),
  };
  const kept = { "jupiter.outbox": JSON.stringify(waiting) };
  const storage = { getItem: (key) => kept[key], setItem: (key, value) => (kept[key] = value) };
  const view = { get: () => store.get("view"), set: (fields) => store.set("view", { ...store.get("view"), ...fields }) };
  const toasts = { shown: [], problem: (problem) => toasts.shown.push(problem.title) };
  const conversation = new Conversation({ store, session, view, toasts }, new Outbox(storage));
  return { conversation, session, sent, toasts, kept, emit: (event, payload) => handlers[event](payload), state: () => store.get("chat"), view };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const texts = ({ messages }) => messages.map(({ text, status }) => [text, status]);

test("the first question opens a conversation, which the address then names", async () => {
  const room = opened();
  room.conversation.ask("Why?");
  room.sent[0].resolve({ conversation_id: "c1", message_id: "a1" });
  await settled();
  assert.equal(room.view.get().conversation, "c1");
  assert.deepEqual(texts(room.state()), [["Why?", "sent"], ["", "thinking"]]);
  assert.equal(room.kept["jupiter.outbox"], "[]");
});

test("a refused question is given back with the reason", async () => {
  const room = opened();
  room.conversation.ask("Why?");
  room.sent[0].reject({ error: "Too many requests" });
  await settled();
  assert.deepEqual(texts(room.state()), []);
  assert.equal(room.state().refusal.text, "Why?");
  assert.equal(room.state().refusal.problem.title, "Too many requests");
});

test("without a connection nothing is taken from the writer", () => {
  const room = opened();
  room.session.connected = false;
  assert.equal(room.conversation.ask("Why?"), false);
  assert.deepEqual(texts(room.state()), []);
});

test("a question without an ack is sent again under the same id after the next connection", async () => {
  const room = opened();
  room.conversation.ask("Why?");
  room.sent[0].reject(undefined);
  await settled();
  assert.deepEqual(texts(room.state()), [["Why?", "unconfirmed"]]);
  room.emit("synced", {});
  const again = room.sent.filter(({ event }) => event === "chat_message");
  assert.equal(again.length, 2);
  assert.equal(again[1].payload.client_message_id, again[0].payload.client_message_id);
});

test("what was not confirmed before a reload is shown and sent after it", () => {
  const room = opened({ id: "c1", waiting: [{ clientId: "m1", text: "Why?", conversation: "c1" }] });
  assert.deepEqual(texts(room.state()), [["Why?", "unconfirmed"]]);
  room.emit("synced", {});
  assert.deepEqual(room.sent.map(({ event }) => event).sort(), ["chat_history", "chat_message"]);
});

test("a hole in the answer reads the history, and what is running is not lost", async () => {
  const room = opened({ id: "c1" });
  const ids = { conversation_id: "c1", message_id: "a1" };
  room.emit("chat_delta", { ...ids, index: 0, delta: "Be" });
  room.emit("chat_delta", { ...ids, index: 2, delta: "use" });
  assert.equal(room.sent[0].event, "chat_history");
  const row = { id: "a1", role: "assistant", content: "Because", status: "streaming", created_at: "t", sources: [], last_index: 2 };
  room.sent[0].resolve({ messages: [row] });
  await settled();
  room.emit("chat_delta", { ...ids, index: 3, delta: "!" });
  assert.deepEqual(texts(room.state()), [["Because!", "streaming"]]);
});

test("events of other conversations leave this one alone", () => {
  const room = opened({ id: "c1" });
  room.emit("chat_thinking", { conversation_id: "c2", message_id: "a9", question: "Other?", question_id: "q9", client_message_id: "m9" });
  assert.deepEqual(texts(room.state()), []);
});

test("an answer that comes after another conversation was opened does not appear there", async () => {
  const room = opened({ id: "c1" });
  room.conversation.load();
  room.conversation.open("c2");
  room.sent[0].resolve({ messages: [{ id: "q1", role: "user", content: "Old", status: "complete", created_at: "t", sources: [] }] });
  await settled();
  assert.deepEqual(texts(room.state()), []);
});

test("a stop that fails is told", async () => {
  const room = opened({ id: "c1" });
  room.emit("chat_delta", { conversation_id: "c1", message_id: "a1", index: 0, delta: "x" });
  room.conversation.stop();
  room.sent[0].reject({ error: "Not found" });
  await settled();
  assert.deepEqual(room.toasts.shown, ["Not found"]);
});

const row = (id, role, content, more = {}) => ({ id, role, content, status: "complete", created_at: "t", sources: [], ...more });
const OLD = [row("q1", "user", "Why?"), row("a1", "assistant", "Because")];

test("a history that was read before a question was accepted does not drop it, nor the answer that has begun", async () => {
  const room = opened({ id: "c1" });
  room.conversation.load();
  room.conversation.ask("And then?");
  room.sent[1].resolve({ conversation_id: "c1", message_id: "a2" });
  await settled();
  room.emit("chat_delta", { conversation_id: "c1", message_id: "a2", index: 0, delta: "Then" });
  room.sent[0].resolve({ messages: OLD });
  await settled();
  assert.deepEqual(texts(room.state()), [["Why?", "sent"], ["Because", "complete"], ["And then?", "sent"], ["Then", "streaming"]]);
});

test("a question that was accepted before the history was read is there once, wherever its ack came between", async () => {
  const room = opened({ id: "c1" });
  room.conversation.load();
  room.conversation.ask(" And then? ");
  room.sent[1].resolve({ conversation_id: "c1", message_id: "a2" });
  await settled();
  room.sent[0].resolve({ messages: [...OLD, row("q2", "user", "And then?"), row("a2", "assistant", "", { status: "streaming", last_index: -1 })] });
  await settled();
  assert.deepEqual(texts(room.state()).slice(2), [["And then?", "sent"], ["", "thinking"]]);
});

test("what is gone from the history is not kept, but for what came after it was asked for", async () => {
  const room = opened({ id: "c1" });
  room.conversation.load();
  room.sent[0].resolve({ messages: OLD });
  await settled();
  room.conversation.load();
  room.emit("chat_thinking", { conversation_id: "c1", message_id: "a9", question: "Other?", question_id: "q9", client_message_id: "m9" });
  room.sent[1].resolve({ messages: [] });
  await settled();
  assert.deepEqual(texts(room.state()), [["Other?", "sent"], ["", "thinking"]]);
});
