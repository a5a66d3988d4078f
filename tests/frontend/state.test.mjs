import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Feed } from "../../static/js/state/feed.js";
import { Frames } from "../../static/js/state/frames.js";
import { Outbox } from "../../static/js/state/outbox.js";
import { Store } from "../../static/js/state/store.js";

// Nobody waits here for an answer that does not come.
mock.timers.enable({ apis: ["setTimeout"] });

/** A session that records what is sent and lets the test answer. */
function fakeSession() {
  const handlers = {};
  const sent = [];
  return {
    sent,
    now: () => 1000,
    on: (event, handler) => (handlers[event] = handler),
    synced: (fresh) => handlers.synced({ fresh }),
    emit: (event, payload) => handlers[event](payload),
    send: (event, payload) => new Promise((resolve, reject) => sent.push({ event, payload, resolve, reject })),
  };
}

function fakeFeed() {
  const session = fakeSession();
  const store = new Store();
  const feed = new Feed({ session, store, name: "threats", reduce: (before, payload, asked) => ({ rows: payload.rows, about: asked?.about ?? "push" }) });
  return { session, store, feed, get: () => store.get("threats") };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("watchers are told of their keys and of changes only", () => {
  const store = new Store({ a: 1 });
  const seen = [];
  store.watch(["a"], (key, value, before) => seen.push([key, value, before]));
  store.set("a", 1);
  store.set("b", 5);
  store.update("a", (value) => value + 1);
  assert.deepEqual(seen, [["a", 2, 1]]);
});

test("a burst of changes is drawn once", () => {
  const asked = [];
  const frames = new Frames((draw) => asked.push(draw));
  let drawn = 0;
  const draw = () => (drawn += 1);
  for (let n = 0; n < 1000; n += 1) frames.ask(draw);
  assert.equal(asked.length, 1);
  asked[0]();
  assert.equal(drawn, 1);
});

test("one question is under way at a time, and only the newest waits", () => {
  const { session, feed } = fakeFeed();
  feed.ask({ search: "a" }, "a");
  feed.ask({ search: "ab" }, "ab");
  feed.ask({ search: "abc" }, "abc");
  assert.equal(session.sent.length, 1);
  session.emit("threats_update", { rows: 1, request: true });
  assert.deepEqual(session.sent.map(({ payload }) => payload.search), ["a", "abc"]);
});

test("an answer belongs to its question, a push to none", () => {
  const { session, feed, get } = fakeFeed();
  feed.ask({}, "first");
  session.emit("threats_update", { rows: 1 });
  assert.equal(get().data.about, "push");
  assert.equal(get().asking, true);
  session.emit("threats_update", { rows: 2, request: true });
  assert.equal(get().data.about, "first");
  assert.equal(get().asking, false);
});

test("an error keeps the data and says what happened", () => {
  const { session, feed, get } = fakeFeed();
  session.emit("threats_update", { rows: 7 });
  feed.ask();
  session.emit("threats_error", { error: "Away", type: "UPSTREAM_ERROR", suggestion: "Wait.", request: true, sources: [{ status: "error" }] });
  assert.equal(get().data.rows, 7);
  assert.equal(get().problem.title, "Away");
  assert.equal(get().problem.sources.length, 1);
  assert.equal(get().asking, false);
  session.emit("threats_update", { rows: 8 });
  assert.equal(get().problem, null);
});

test("a refused question is a problem, and the next one goes out", async () => {
  const { session, feed, get } = fakeFeed();
  feed.ask({ search: "x" });
  session.sent[0].reject({ error: "Too many requests", retry_after: 2 });
  await settled();
  assert.equal(get().problem.retryAt, 3000);
  feed.ask({ search: "y" });
  assert.equal(session.sent.length, 2);
});

test("a question that gets no answer is given up", () => {
  const { feed, get } = fakeFeed();
  feed.ask();
  mock.timers.tick(20_000);
  assert.equal(get().asking, false);
  assert.equal(get().problem.code, "NO_ANSWER");
});

test("a new connection forgets what was under way", () => {
  const { session, feed, get } = fakeFeed();
  feed.ask({}, "old");
  session.synced(true);
  assert.equal(get().asking, false);
  session.emit("threats_update", { rows: 1, request: true });
  assert.deepEqual(get().data.about, "push");
});

test("a question that is under way is still answered after a hole in a log was filled", () => {
  const { session, feed, get } = fakeFeed();
  feed.ask({}, "mine");
  session.synced(false);
  session.emit("threats_update", { rows: 1, request: true });
  assert.equal(get().data.about, "mine");
});

test("that a question was lost with its connection is no news on the next one; a refusal is", async () => {
  const { session, feed, get } = fakeFeed();
  feed.ask();
  session.sent[0].reject(undefined);
  await settled();
  assert.equal(get().problem.code, "NO_ANSWER");
  session.synced(true);
  assert.equal(get().problem, null);
  feed.ask();
  session.sent[1].reject({ error: "Away", error_code: "UPSTREAM_ERROR" });
  await settled();
  session.synced(true);
  assert.equal(get().problem.code, "UPSTREAM_ERROR");
});

test("what one panel throws does not keep the others from being drawn", () => {
  const [drawn, told] = [[], []];
  let draw;
  const frames = new Frames((next) => (draw = next), ({ message }) => told.push(message));
  frames.ask(() => {
    throw new Error("one panel");
  });
  frames.ask(() => drawn.push("another"));
  draw();
  assert.deepEqual([drawn, told], [["another"], ["one panel"]]);
});

function fakeStorage(content) {
  const kept = { "jupiter.outbox": content };
  return { getItem: (key) => kept[key] ?? null, setItem: (key, value) => (kept[key] = value), kept };
}

test("questions outlive a reload until they are confirmed", () => {
  const storage = fakeStorage(undefined);
  const outbox = new Outbox(storage);
  outbox.add({ clientId: "m1", text: "Why?", conversation: "" });
  outbox.add({ clientId: "m2", text: "And?", conversation: "" });
  outbox.remove("m1");
  outbox.adopt("c1");
  assert.deepEqual(new Outbox(storage).all(), [{ clientId: "m2", text: "And?", conversation: "c1" }]);
});

test("damaged or forbidden storage does not stop the page", () => {
  assert.deepEqual(new Outbox(fakeStorage("{broken")).all(), []);
  const forbidden = { getItem: () => null, setItem: () => { throw new Error("quota"); } };
  const outbox = new Outbox(forbidden);
  outbox.add({ clientId: "m1", text: "x", conversation: "" });
  assert.equal(outbox.all().length, 1);
});
