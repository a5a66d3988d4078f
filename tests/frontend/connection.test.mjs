import assert from "node:assert/strict";
import { test } from "node:test";
import { connectionText, PROBE_SECONDS, QUIET_SECONDS, retryDelay } from "../../static/js/logic/connection.js";
import { fieldErrors, lostProblem, sentences, toProblem } from "../../static/js/logic/problems.js";

const NOW = 5_000_000;
const link = (changes) => ({ phase: "live", since: NOW - 10_000, heardAt: NOW - 3000, nextTryAt: null, online: true, ...changes });

test("a silent peer is found within 15 s", () => assert.ok(QUIET_SECONDS + PROBE_SECONDS + 1 <= 15));

test("a standing connection says when it was last heard", () => {
  assert.deepEqual(connectionText(link({}), NOW), { kind: "live", label: "Live", detail: "heard 3 s ago" });
});

test("a lost one counts the seconds and the time to the next try", () => {
  const text = connectionText(link({ phase: "reconnecting", nextTryAt: NOW + 2100 }), NOW);
  assert.deepEqual(text, { kind: "reconnecting", label: "Reconnecting", detail: "10 s, next try in 3 s" });
});

test("after half a minute, or without a network, it is offline", () => {
  assert.equal(connectionText(link({ phase: "reconnecting", since: NOW - 31_000 }), NOW).kind, "offline");
  assert.equal(connectionText(link({ phase: "reconnecting", online: false }), NOW).kind, "offline");
});

test("the first connection is not called a reconnection", () => {
  assert.equal(connectionText(link({ phase: "connecting", since: NOW - 1000 }), NOW).kind, "connecting");
});

test("tries double from half a second to ten and are spread", () => {
  assert.deepEqual([0, 1, 2, 9].map((attempt) => retryDelay(attempt, () => 1)), [0.5, 1, 2, 10]);
  assert.equal(retryDelay(9, () => 0), 5);
});

test("every kind of failure takes one form", () => {
  const problem = toProblem({ error: "Too many requests", error_code: "RATE_LIMITED", error_id: "e1", message: "Wait.", retry_after: 5 }, NOW);
  assert.equal(problem.title, "Too many requests");
  assert.equal(problem.retryAt, NOW + 5000);
  assert.equal(problem.id, "e1");
  assert.equal(toProblem({ error: "x", type: "TIMEOUT" }, NOW).code, "TIMEOUT");
});

test("a failure without words still says what to do", () => {
  const problem = toProblem(undefined, NOW);
  assert.ok(problem.title && problem.suggestion);
  assert.equal(problem.retryAt, null);
  assert.ok(lostProblem("Not sent").suggestion);
});

test("an endless or senseless retry_after is no promise", () => {
  for (const value of [0, -1, "soon", null, Infinity]) assert.equal(toProblem({ error: "x", retry_after: value }, NOW).retryAt, null);
});

test("field errors come out flat whatever their depth", () => {
  const details = { name: ["Too long.", "Not a name."], parameters: { depth: ["Not a number."] }, none: 3 };
  assert.deepEqual(fieldErrors(details), { name: "Too long. Not a name.", parameters: "Not a number.", none: "" });
  for (const value of [null, "text", ["list"]]) assert.deepEqual(fieldErrors(value), {});
});

test("sentences end as sentences", () => assert.equal(sentences("Away", "", "Try: run.py demo", "Wait."), "Away. Try: run.py demo. Wait."));
