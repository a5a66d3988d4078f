import assert from "node:assert/strict";
import { test } from "node:test";
import { mentionShare, takePulse, trend } from "../../static/js/logic/pulse.js";
import { follows } from "../../static/js/logic/scroll.js";
import { appendSample, sliceColumns, toColumns } from "../../static/js/logic/series.js";
import { breakerWord, checkRows, featureChanges, featureRow, featureTitle } from "../../static/js/logic/status.js";
import { nameText, parseParameters, shares, takeSummary } from "../../static/js/logic/summary.js";

const FEATURE = { enabled: true, circuit_breaker: "closed", failures: 0, dependencies: {} };
const row = (changes) => featureRow(["grok_chat", { ...FEATURE, ...changes }], 0, 10_000);

test("a feature off by hand and one off by its breaker look different", () => {
  assert.deepEqual([row({}).word, row({}).tone], ["Working", "ok"]);
  assert.equal(row({ enabled: false }).word, "Switched off");
  assert.equal(row({ enabled: false, circuit_breaker: "open" }).word, "Circuit open");
  assert.equal(row({ circuit_breaker: "forced_open" }).tone, "bad");
  assert.equal(row({ circuit_breaker: "half_open" }).word, "Probing");
});

test("a dependency in trouble degrades its feature, and its probe is counted down", () => {
  const degraded = row({ dependencies: { epss: { circuit_breaker: "open", failures: 5, retry_after: 40 } } });
  assert.equal(degraded.word, "Degraded");
  assert.equal(degraded.dependencies[0].probe, "probe in 30 s");
  assert.equal(degraded.dependencies[0].title, "FIRST EPSS");
});

test("names become titles", () => {
  assert.equal(featureTitle("threat_intelligence"), "Threat intelligence");
  assert.equal(featureTitle("some_new_thing"), "Some new thing");
  assert.equal(featureTitle("feed:example.com/rss"), "example.com/rss");
  assert.equal(featureTitle("feed:example.com/rss", { "feed:example.com/rss": "Example News" }), "Example News");
  assert.deepEqual(["half_open", "", undefined].map(breakerWord), ["half-open", "none", "none"]);
});

test("checks in trouble come first; times of checks that ask nobody are left out", () => {
  const rows = checkRows({ cache: { status: "healthy", response_time: 0.00001 }, database: { status: "healthy", response_time: 0.0123 }, llm: { status: "unhealthy", message: "open" } });
  assert.deepEqual(rows.map(({ name, tone, time }) => [name, tone, time]), [["llm", "bad", ""], ["cache", "ok", ""], ["database", "ok", "12 ms"]]);
});

test("only changes of a feature are announced", () => {
  const open = { ...FEATURE, circuit_breaker: "open", enabled: false };
  assert.deepEqual(featureChanges(null, { grok_chat: open }), []);
  assert.deepEqual(featureChanges({ grok_chat: FEATURE }, { grok_chat: { ...FEATURE, failures: 3 } }), []);
  assert.deepEqual(featureChanges({ grok_chat: FEATURE }, { grok_chat: open }), ["Chat: circuit open"]);
});

test("samples stay within their bound, one a second", () => {
  let samples = [];
  for (let at = 0; at < 10_000; at += 500) samples = appendSample(samples, { at, value: at }, 5);
  assert.deepEqual(samples.map(({ at }) => at), [5500, 6500, 7500, 8500, 9500]);
  assert.deepEqual(toColumns(samples)[0], [5.5, 6.5, 7.5, 8.5, 9.5]);
});

test("the server's slices of the last hour become a chart", () => {
  const slices = [{ at: "2026-01-01T00:01:00+00:00", count: 0 }, { at: "2026-01-01T00:02:00+00:00", count: 700 }];
  assert.deepEqual(sliceColumns(slices), [[1767225660, 1767225720], [0, 700]]);
});

const place = (scrollTop, scrollHeight = 1100) => ({ scrollTop, clientHeight: 100, scrollHeight });

test("a list follows its end until the reader goes up, however little, and again when they are back", () => {
  assert.equal(follows(true, 1000, place(998)), false);
  assert.equal(follows(false, 998, place(990)), false);
  assert.equal(follows(false, 900, place(950)), false);
  assert.equal(follows(false, 950, place(970)), true);
});

test("a list goes on following its end when it grows or shrinks by itself", () => {
  assert.equal(follows(true, 1000, place(1000, 1400)), true);
  assert.equal(follows(true, 1000, place(900, 1000)), true);
});

test("a trend says direction in sign, shape and word", () => {
  assert.deepEqual([trend({ velocity: 2.5, burst: null }).text, trend({ velocity: 2.5, burst: null }).hint], ["+2.5/h", "rising"]);
  assert.equal(trend({ velocity: -12.4, burst: 0 }).text, "−12/h");
  assert.equal(trend({ velocity: 0, burst: null }).hint, "steady");
  assert.match(trend({ velocity: 1, burst: 3.21 }).hint, /3\.2 deviations/);
});

test("a pulse that was never loaded is not taken for an empty one", () => {
  const payload = { window: "24h", topics: [], as_of: null, ttl: 60, stale: false, sources: [], items_total: 0 };
  assert.equal(takePulse(payload).loaded, false);
  assert.equal(takePulse({ ...payload, as_of: "2026-01-01T00:00:00Z" }).loaded, true);
  assert.equal(mentionShare({ mentions: 5 }, [{ mentions: 10 }, { mentions: 5 }]), 0.5);
});

test("shares are of the whole, largest first, without zeros", () => {
  assert.deepEqual(shares({ a: 1, b: 3, c: 0 }), [{ name: "b", count: 3, share: 0.75 }, { name: "a", count: 1, share: 0.25 }]);
  assert.deepEqual(shares(undefined), []);
});

test("a summary names what is missing in it", () => {
  const payload = {
    total_experiments: 2, experiments: [], experiments_by_type: {}, experiments_by_status: {}, timestamp: "2026-01-01T00:00:00Z",
    recent_activity: { last_7_days: 1, completion_rate: 50 }, partial_failure: true, cached: false, stale: true,
    errors: { by_type: "Not available now." }, invalid_rows: 2, message: "Cached data is shown.",
  };
  const data = takeSummary(payload);
  assert.deepEqual(data.faults, ["By type: Not available now.", "2 damaged rows left out.", "Cached data is shown."]);
  assert.equal(data.partial, true);
  assert.equal(data.stale, true);
});

test("parameters are one JSON object or nothing", () => {
  assert.deepEqual(parseParameters("  "), { value: {} });
  assert.deepEqual(parseParameters('{"a": 1}'), { value: { a: 1 } });
  for (const text of ["[1]", "5", "null", "{a"]) assert.ok(parseParameters(text).error);
  assert.equal(nameText("ab_test"), "A/B test");
});
