import assert from "node:assert/strict";
import { test } from "node:test";
import { ClockOffset } from "../../static/js/logic/clock.js";
import { freshness, waitingText } from "../../static/js/logic/freshness.js";

const NOW = 1_000_000_000;
const LIVE = { loaded: true, asOf: NOW - 10_000, ttl: 100, stale: false, count: 3, sources: [{ status: "live" }], connected: true, now: NOW };
const state = (changes) => freshness({ ...LIVE, ...changes }).state;
const aged = (seconds, changes = {}) => state({ asOf: NOW - seconds * 1000, ...changes });

test("fresh data with all sources over a standing connection is live", () => assert.equal(state({}), "live"));

test("live turns ageing at three quarters of the time to live and stale right after its end", () => {
  assert.deepEqual([74, 76, 100, 100.5].map((seconds) => aged(seconds)), ["live", "ageing", "ageing", "stale"]);
});

test("the same happens with the cable pulled, and nothing is live meanwhile", () => {
  assert.deepEqual([1, 99, 101].map((seconds) => aged(seconds, { connected: false })), ["ageing", "ageing", "stale"]);
});

test("data whose age is unknown is stale", () => assert.equal(state({ asOf: null }), "stale"));

test("data without a time to live is stale", () => assert.equal(state({ ttl: undefined }), "stale"));

test("what the server calls stale is stale however young it is", () => assert.equal(state({ stale: true }), "stale"));

test("a source that is missing makes it partial, one that nobody set up does not", () => {
  for (const status of ["error", "stale", "disabled"]) assert.equal(state({ sources: [{ status: "live" }, { status }] }), "partial");
  assert.equal(state({ sources: [{ status: "live" }, { status: "not_configured" }] }), "live");
});

test("an empty answer is empty only while it is fresh", () => {
  assert.equal(state({ count: 0 }), "empty");
  assert.equal(aged(200, { count: 0 }), "stale");
});

test("before the first data it is loading, or an error when that failed", () => {
  assert.equal(state({ loaded: false }), "loading");
  assert.equal(state({ loaded: false, failed: true }), "error");
});

test("a failed attempt over rows that are still fresh is ageing, over no rows an error", () => {
  assert.equal(state({ failed: true }), "ageing");
  assert.equal(state({ failed: true, count: 0 }), "error");
});

test("no source set up is told as such, not as an error or as empty", () => {
  assert.equal(state({ loaded: false, count: 0, sources: [{ status: "not_configured" }] }), "setup");
});

test("the detail says how old, and that the connection is lost", () => {
  assert.equal(freshness(LIVE).detail, "10 s ago");
  assert.equal(freshness({ ...LIVE, connected: false }).detail, "10 s ago, connection lost");
  assert.equal(freshness({ ...LIVE, asOf: NOW - 300_000 }).detail, "last confirmed 5 min ago");
});

test("a long wait for the first answer is admitted", () => {
  assert.equal(waitingText(NOW - 2000, NOW), "Loading…");
  assert.match(waitingText(NOW - 12_000, NOW), /12 s/);
});

test("the server's clock is estimated from the least delayed message", () => {
  const offset = new ClockOffset(3);
  assert.equal(offset.value, 0);
  for (const [server, local] of [[5000, 1000], [6000, 1500], [7000, 3100]]) offset.observe(server, local);
  assert.equal(offset.value, 4500);
  offset.observe(NaN, 1);
  assert.equal(offset.value, 4500);
});

test("old samples of the clock are forgotten", () => {
  const offset = new ClockOffset(2);
  for (const [server, local] of [[9000, 0], [100, 0], [200, 0]]) offset.observe(server, local);
  assert.equal(offset.value, 200);
  offset.reset();
  assert.equal(offset.value, 0);
});
