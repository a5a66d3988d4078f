import assert from "node:assert/strict";
import { test } from "node:test";
import { ledgerParts, ledgerRow, sourcesProblem } from "../../static/js/logic/ledger.js";

const NOW = Date.parse("2026-03-10T12:00:00Z");
const at = (seconds) => new Date(NOW + seconds * 1000).toISOString();
const KEV = { name: "cisa_kev", title: "KEV", status: "live", as_of: at(-180), next_try: at(20), records: 1600, circuit_breaker: "closed" };
const EPSS = { name: "epss", title: "EPSS", status: "live", as_of: at(-60), next_try: at(40), records: 1580, circuit_breaker: "closed" };

test("with all sources live it names the one that was confirmed longest ago", () => {
  assert.deepEqual(ledgerParts([EPSS, KEV], NOW), ["2 of 2 sources", "KEV confirmed 3 min ago", "next try in 20 s"]);
});

test("a missing source is named with the age of its data and its own next try", () => {
  const failing = { ...EPSS, status: "error", as_of: at(-4000) };
  assert.deepEqual(ledgerParts([KEV, failing], NOW), ["1 of 2 sources", "EPSS failing, data from 66 min ago", "next try in 40 s"]);
});

test("a source without any data yet has no age", () => {
  assert.ok(ledgerParts([{ ...KEV, status: "error", as_of: null }], NOW).includes("KEV failing"));
});

test("sources that nobody set up are not counted", () => {
  assert.equal(ledgerParts([KEV, { ...EPSS, status: "not_configured" }], NOW)[0], "1 of 1 source");
  assert.deepEqual(ledgerParts([{ ...KEV, status: "not_configured" }], NOW), ["no source is set up"]);
  assert.deepEqual(ledgerParts([], NOW), []);
});

test("a try whose time has passed is no promise", () => {
  assert.ok(!ledgerParts([{ ...KEV, next_try: at(-5) }], NOW).join().includes("next try"));
});

test("failing sources make a problem with their own words; a quiet one is named, many are counted", () => {
  const failing = { ...KEV, status: "stale", error: "No answer within 10 s.", suggestion: "Check the network." };
  const problem = sourcesProblem([failing, EPSS]);
  assert.equal(problem.title, "KEV: no fresh data");
  assert.equal(problem.message, "No answer within 10 s.");
  assert.equal(problem.retryAt, NOW + 20_000);
  assert.equal(sourcesProblem([failing, failing, failing, EPSS]).title, "3 of 4 sources: no fresh data");
  assert.equal(sourcesProblem([KEV, EPSS]), null);
});

test("a row tells everything about a source, and a breaker only when it is not closed", () => {
  const row = ledgerRow({ ...KEV, circuit_breaker: "half_open" }, NOW);
  assert.equal(row.when, "confirmed 3 min ago");
  assert.equal(row.breaker, "half-open");
  assert.equal(ledgerRow(KEV, NOW).breaker, "");
  assert.equal(ledgerRow({ ...KEV, status: "not_configured", as_of: null }, NOW).next, "");
});

test("a row says by whom it was confirmed where that was not the source itself", () => {
  assert.equal(ledgerRow({ ...KEV, via: "its mirror" }, NOW).when, "confirmed 3 min ago by its mirror");
});
