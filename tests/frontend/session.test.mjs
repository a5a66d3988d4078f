import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Session } from "../../static/js/net/session.js";

mock.timers.enable({ apis: ["setTimeout", "setInterval"] });

/** A link whose acks the test gives. */
function fakeLink() {
  const listeners = {};
  const asked = [];
  return {
    asked,
    connected: true,
    on: (kind, listener) => (listeners[kind] = listener),
    push: (event, payload) => listeners.event({ event, payload }),
    up: () => listeners.up(),
    send: (event, payload) => new Promise((resolve, reject) => asked.push({ event, payload, resolve, reject })),
  };
}

function started() {
  const link = fakeLink();
  const session = new Session(link);
  const seen = [];
  for (const event of ["chat_delta", "status_update", "gap", "synced"]) session.on(event, (payload) => seen.push([event, payload.text ?? payload.stream ?? (payload.fresh === false ? "again" : "")]));
  return { link, session, seen };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const delta = (seq) => ({ stream: "chat", seq, text: `d${seq}` });
const answer = (streams) => ({ streams });

test("a connection asks for what is missing since the numbers known", async () => {
  const { link, seen } = started();
  link.up();
  assert.equal(link.asked[0].event, "sync");
  assert.deepEqual(link.asked[0].payload, { threats: 0, pulse: 0, status: 0, summary: 0, chat: 0, scans: 0, alerts: 0, notice: 0 });
  link.asked[0].resolve(answer({ chat: { gap: true, seq: 7, snapshot: [] } }));
  await settled();
  assert.deepEqual(seen, [["gap", "chat"], ["synced", ""]]);
  link.up();
  assert.equal(link.asked[1].payload.chat, 7);
});

test("what comes before the ack of sync is delivered after it, once", async () => {
  const { link, seen } = started();
  link.up();
  link.push("chat_delta", delta(8));
  link.push("chat_delta", delta(9));
  assert.deepEqual(seen, []);
  link.asked[0].resolve(answer({ chat: { events: [{ event: "chat_delta", payload: delta(8) }] } }));
  await settled();
  assert.deepEqual(seen, [["chat_delta", "d8"], ["chat_delta", "d9"], ["synced", ""]]);
});

test("the ack of an older connection no longer counts", async () => {
  const { link, seen } = started();
  link.up();
  link.up();
  link.asked[0].resolve(answer({ chat: { events: [{ event: "chat_delta", payload: delta(1) }] } }));
  await settled();
  assert.deepEqual(seen, []);
  link.asked[1].resolve(answer({ chat: { events: [{ event: "chat_delta", payload: delta(1) }] } }));
  await settled();
  assert.deepEqual(seen, [["chat_delta", "d1"], ["synced", ""]]);
});

test("a sync that fails is tried again while the connection stands", async () => {
  const { link, seen } = started();
  link.up();
  link.asked[0].reject({ error: "Too many requests" });
  await settled();
  mock.timers.tick(2000);
  assert.equal(link.asked.length, 2);
  link.asked[1].resolve(answer({}));
  await settled();
  assert.deepEqual(seen, [["synced", ""]], "the first one of its connection");
});

test("a hole in a log asks for it at once", async () => {
  const { link, seen } = started();
  link.up();
  link.asked[0].resolve(answer({ chat: { gap: true, seq: 1, snapshot: [] } }));
  await settled();
  link.push("chat_delta", delta(3));
  assert.equal(link.asked.length, 2);
  link.asked[1].resolve(answer({ chat: { events: [{ event: "chat_delta", payload: delta(2) }, { event: "chat_delta", payload: delta(3) }] } }));
  await settled();
  assert.deepEqual(seen.filter(([event]) => event === "chat_delta"), [["chat_delta", "d2"], ["chat_delta", "d3"]]);
  assert.deepEqual(seen.filter(([event]) => event === "synced"), [["synced", ""], ["synced", "again"]]);
});

test("the server's time is taken from fresh stamps, not from old data", () => {
  const { link, session } = started();
  const ahead = (ms) => new Date(Date.now() + ms).toISOString();
  link.push("threats_update", { request: true, as_of: ahead(-600_000), timestamp: ahead(-600_000) });
  assert.ok(Math.abs(session.now() - Date.now()) < 1000);
  link.push("status_update", { request: true, timestamp: ahead(90_000) });
  assert.ok(Math.abs(session.now() - Date.now() - 90_000) < 1000);
});
