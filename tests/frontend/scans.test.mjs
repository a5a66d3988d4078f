import assert from "node:assert/strict";
import { test } from "node:test";
import { shown, takeAlert, unseen, EMPTY as NO_ALERTS } from "../../static/js/logic/alerts.js";
import { bySeverity, EMPTY, findingsQuery, listLimit, notes, progressText, resultText, sizeText, takeList, takeProgress, takeScan } from "../../static/js/logic/scans.js";
import { readView, writeView } from "../../static/js/logic/view.js";

const scan = (id, more = {}) => ({ id, name: id, status: "completed", created_at: `2026-01-0${id}T00:00:00Z`, findings: 3, duplicates: 0, seconds: 1.25, left_out: {}, joined: { complete: true, missing: [] }, ...more });
const listed = (...scans) => takeList(EMPTY, { scans, total: scans.length, next_cursor: null }, 5);
const running = (id, more = {}) => ({ scan_id: id, status: "running", phase: "reading", read: 4300, findings: 4000, share: 0.4, rate: 2100.4, time_left: 2.2, waiting: null, ...more });

test("a scan that ended takes the place of what was known of it, and a new one goes first", () => {
  let held = takeProgress(listed(scan("2"), scan("1")), running("1"), 6);
  assert.equal(held.scans[1].status, "running");
  held = takeScan(held, scan("1", { findings: 9 }), 7);
  assert.deepEqual(held.scans.map(({ id, findings }) => [id, findings]), [["2", 3], ["1", 9]]);
  assert.equal(held.progress["1"], undefined);
  held = takeScan(held, scan("3"), 8);
  assert.deepEqual(held.scans.map(({ id }) => id), ["3", "2", "1"]);
  assert.equal(held.total, 3);
});

test("a deleted scan goes, also when it was never known", () => {
  const held = takeScan(listed(scan("2"), scan("1")), scan("1", { status: "deleted" }), 7);
  assert.deepEqual([held.scans.length, held.total], [1, 1]);
  assert.equal(takeScan(held, scan("9", { status: "deleted" }), 8).total, 1);
});

test("a further page goes behind, without doubles", () => {
  const more = takeList(listed(scan("3"), scan("2")), { scans: [scan("2"), scan("1")], total: 3, next_cursor: null }, 9, { more: true });
  assert.deepEqual(more.scans.map(({ id }) => id), ["3", "2", "1"]);
});

test("a list that is read again leaves what the reader has loaded and opened", () => {
  const held = listed(...["9", "8", "7", "1"].map((id) => scan(id)));
  const again = takeList(held, { scans: [scan("9"), scan("8")], total: 4, next_cursor: "c" }, 9, { open: "1" });
  assert.deepEqual(again.scans.map(({ id }) => id), ["9", "8", "1"]);
  const many = (count) => ({ scans: Array.from({ length: count }, () => scan("1")) });
  assert.deepEqual([listLimit(many(3)), listLimit(many(60)), listLimit(many(300)), listLimit(many(60), true)], [20, 60, 200, 20]);
});

test("a scan that is opened by its address is in the total already", () => {
  assert.equal(takeScan(listed(scan("2")), scan("1"), 7, { counted: true }).total, 1);
});

test("progress says how far, how fast, how long still, or what it waits for", () => {
  assert.equal(progressText(running("1")), "4,300 read · 2,100 per second · 3 s left");
  assert.equal(progressText(running("1", { time_left: 0.4 })), "4,300 read · 2,100 per second · almost done");
  assert.equal(progressText(running("1", { waiting: "The database is away." })), "The database is away.");
  assert.equal(progressText(undefined), "Waiting for its turn");
  assert.match(progressText(running("1", { phase: "joining", time_left: null })), /joined anew/);
});

test("a result says what was found, told again, left out and missing", () => {
  assert.equal(resultText(scan("1", { findings: 10000, duplicates: 2 })), "10,000 findings, 2 told again, in 1.3 s");
  assert.deepEqual(notes(scan("1", { left_out: { "checks that passed": 4 } })), ["Left out: 4 checks that passed."]);
  assert.match(notes(scan("1", { joined: { complete: false, missing: [] } }))[0], /joined anew as soon/);
  assert.deepEqual(notes(scan("1", { joined: { complete: true, missing: ["EPSS"] } })), ["Joined without EPSS."]);
});

test("what is exported is asked for as what is shown", () => {
  const filters = { severity: "high", exploited: true, search: " a&b " };
  assert.equal(findingsQuery(filters), "severity=high&known_exploited=true&search=a%26b");
  assert.equal(findingsQuery(filters, { format: "csv" }), `${findingsQuery(filters)}&format=csv`);
});

test("severities are told worst first, sizes in one unit", () => {
  assert.deepEqual(bySeverity({ low: 2, critical: 1, info: 0 }), [{ name: "critical", count: 1 }, { name: "low", count: 2 }]);
  assert.deepEqual([sizeText(12), sizeText(52_400), sizeText(9_040_000)], ["12 bytes", "52 kB", "9.0 MB"]);
});

test("the open scan is in the address", () => {
  const id = "0b9f7a7e-0000-4000-8000-000000000000";
  assert.equal(readView(`?scan=${id}`).scan, id);
  assert.equal(readView("?scan=<script>").scan, "");
  assert.match(writeView(readView(`?scan=${id}`)), new RegExp(`scan=${id}`));
});

test("an alert that changed keeps its place; unseen ones come first; resolved ones are hidden", () => {
  const alert = (id, status) => ({ id, status, raised_at: `2026-01-0${id}T00:00:00Z` });
  let held = [alert("1", "raised"), alert("2", "acknowledged"), alert("3", "raised")].reduce((all, one) => takeAlert(all, one, 1), NO_ALERTS);
  assert.deepEqual(shown(held.alerts).map(({ id }) => id), ["3", "1", "2"]);
  assert.equal(unseen(held.alerts), 2);
  held = takeAlert(held, alert("3", "resolved"), 2);
  assert.deepEqual(shown(held.alerts).map(({ id }) => id), ["1", "2"]);
  assert.equal(shown(held.alerts, { resolved: true }).length, 3);
});
