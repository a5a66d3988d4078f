import assert from "node:assert/strict";
import { test } from "node:test";
import { fitting, MOST_ROWS, percentText, takeThreats, threatsQuestion } from "../../static/js/logic/threats.js";
import { exportAddress, foldedFilters, isFiltered, sameThreats } from "../../static/js/logic/threat_view.js";
import { readView } from "../../static/js/logic/view.js";

const ALL = readView("");
const HIGH = readView("?severity=high");
const rows = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => ({ id: `D-${from + index}` }));
const payload = (threats, more = {}) => ({
  threats, total: 120, success: true, sources: [], as_of: "2026-01-01T00:00:00Z", ttl: 60, stale: false, ...more,
});
const ids = (data) => data.rows.map(({ id }) => id);
const asked = (view, more = false) => ({ about: { view, more } });

test("the first push is what is shown", () => {
  const data = takeThreats(null, payload(rows(1, 3), { next_cursor: "c" }), null, ALL);
  assert.deepEqual(ids(data), ["D-1", "D-2", "D-3"]);
  assert.equal(data.cursor, "c");
  assert.equal(data.asOf, Date.parse("2026-01-01T00:00:00Z"));
});

test("a further page goes behind, without doubles", () => {
  const first = takeThreats(null, payload(rows(1, 3), { next_cursor: "c" }), null, ALL);
  const data = takeThreats(first, payload(rows(3, 5)), asked(ALL, true), ALL);
  assert.deepEqual(ids(data), ["D-1", "D-2", "D-3", "D-4", "D-5"]);
  assert.equal(data.cursor, null);
});

test("a push after further pages renews the first and keeps the others", () => {
  const first = takeThreats(null, payload(rows(1, 3), { next_cursor: "c" }), null, ALL);
  const second = takeThreats(first, payload(rows(4, 5), { next_cursor: "d" }), asked(ALL, true), ALL);
  const data = takeThreats(second, payload([{ id: "D-0" }, ...rows(1, 2)], { next_cursor: "c2" }), null, ALL);
  assert.deepEqual(ids(data), ["D-0", "D-1", "D-2", "D-3", "D-4", "D-5"]);
  assert.equal(data.cursor, "d");
});

test("a push while the list is filtered brings age and sources, not rows", () => {
  const filtered = takeThreats(null, payload(rows(7, 8), { total: 2 }), asked(HIGH), HIGH);
  const data = takeThreats(filtered, payload(rows(1, 3), { as_of: "2026-01-01T00:05:00Z", stale: true }), null, HIGH);
  assert.deepEqual(ids(data), ["D-7", "D-8"]);
  assert.equal(data.total, 2);
  assert.equal(data.asOf, Date.parse("2026-01-01T00:05:00Z"));
  assert.equal(data.stale, true);
});

test("the answer to a filter replaces the list", () => {
  const first = takeThreats(null, payload(rows(1, 3)), null, ALL);
  const data = takeThreats(first, payload(rows(9, 9), { total: 1 }), asked(HIGH), HIGH);
  assert.deepEqual(ids(data), ["D-9"]);
  assert.equal(data.view, HIGH);
});

test("a push that is the whole list takes away what is listed no more", () => {
  const first = takeThreats(null, payload(rows(1, 6)), null, ALL);
  assert.deepEqual(ids(takeThreats(first, payload(rows(1, 2)), null, ALL)), ["D-1", "D-2"]);
});

test("the first push after a filter was taken away shows the whole list again", () => {
  const filtered = takeThreats(null, payload(rows(9, 9)), asked(HIGH), HIGH);
  assert.deepEqual(ids(takeThreats(filtered, payload(rows(1, 2)), null, ALL)), ["D-1", "D-2"]);
});

test("an answer that renews a list leaves the pages behind it where the reader is", () => {
  for (const view of [ALL, HIGH]) {
    const first = takeThreats(null, payload(rows(1, 3), { next_cursor: "c" }), asked(view), view);
    const held = takeThreats(first, payload(rows(4, 5), { next_cursor: "d" }), asked(view, true), view);
    const data = takeThreats(held, payload([{ id: "D-0" }, ...rows(1, 2)], { next_cursor: "c2" }), asked(view), view);
    assert.deepEqual([ids(data), data.cursor], [["D-0", "D-1", "D-2", "D-3", "D-4", "D-5"], "d"]);
    assert.deepEqual(ids(takeThreats(held, payload(rows(1, 2)), asked(view), view)), ["D-1", "D-2"], "a list without more is whole");
    assert.deepEqual(ids(takeThreats(held, payload(rows(2, 6), { next_cursor: "e" }), asked(view), view)), ["D-2", "D-3", "D-4", "D-5", "D-6"]);
  }
});

test("a list is asked for again as far as it is held, and as the server allows", () => {
  assert.deepEqual([0, 50, 150, 500].map((held) => threatsQuestion(ALL, { held }).limit), [50, 50, 150, 200]);
});

test("the answer to a question that was given up is not taken for the answer to another one", () => {
  const held = takeThreats(null, payload(rows(1, 3)), null, ALL);
  assert.equal(takeThreats(held, payload(rows(51, 53)), {}, ALL), held);
});

test("a browser holds a bounded number of rows", () => {
  let data = takeThreats(null, payload(rows(1, 200)), null, ALL);
  for (let page = 1; page < 6; page += 1) data = takeThreats(data, payload(rows(page * 200 + 1, page * 200 + 200)), asked(ALL, true), ALL);
  assert.equal(data.rows.length, MOST_ROWS);
});

test("held rows are filtered as the server would", () => {
  const held = [
    { id: "D-1", title: "Edge Box bypass", vendor: "Example", product: null, summary: null, severity: "high", ransomware: true, known_exploited: true, sources: ["cisa_kev"], epss: 0.6, date_added: "2026-07-10", aliases: ["GHSA-1"] },
    { id: "D-2", title: "Mail flaw", vendor: null, product: "PostRoom", summary: "edge case", severity: "low", ransomware: null, known_exploited: null, sources: ["nvd"], epss: null, published: "2026-07-01" },
  ];
  const found = (query) => fitting(held, readView(query)).map(({ id }) => id);
  assert.deepEqual(found(""), ["D-1", "D-2"]);
  assert.deepEqual(found("?q=edge"), ["D-1", "D-2"]);
  assert.deepEqual(found("?q=bypass+EDGE"), ["D-1"]);
  assert.deepEqual(found("?ransomware=1"), ["D-1"]);
  assert.deepEqual(found("?severity=low"), ["D-2"]);
  assert.deepEqual(found("?exploited=1"), ["D-1"]);
  assert.deepEqual(found("?source=nvd"), ["D-2"]);
  assert.deepEqual(found("?vendor=exam"), ["D-1"]);
  assert.deepEqual(found("?epss=0.5"), ["D-1"]);
  assert.deepEqual(found("?q=ghsa-1"), ["D-1"]);
  assert.deepEqual(found("?since=2026-07-05"), ["D-1"]);
  assert.deepEqual(found("?until=2026-07-05"), ["D-2"]);
});

test("a question names only what is filtered", () => {
  assert.deepEqual(threatsQuestion(ALL), { limit: 50 });
  const view = readView("?severity=high&q=+vpn+&ransomware=1");
  assert.deepEqual(threatsQuestion(view, { cursor: "c", held: 150 }), { limit: 50, severity: "high", search: "vpn", ransomware: true, cursor: "c" });
});

test("another order is another list than the one that is pushed", () => {
  assert.equal(isFiltered(readView("?sort=newest")), true);
  assert.equal(isFiltered(readView("?sort=priority&window=7d")), false);
  assert.equal(sameThreats(readView("?q=a+&window=1h"), readView("?q=a")), true);
  assert.equal(sameThreats(readView("?q=a"), readView("?q=a&sort=epss")), false);
  assert.equal(foldedFilters(readView("?vendor=x&since=2026-07-01&severity=high")), 2);
});

test("an export asks for the rows that are shown, in their order", () => {
  const address = exportAddress(readView("?q=vpn+%26+co&exploited=1&epss=0.5&sort=cvss"), "stix", 75);
  const asked = Object.fromEntries(new URL(address, "http://x").searchParams);
  assert.deepEqual(asked, { format: "stix", search: "vpn & co", known_exploited: "true", epss_min: "0.5", sort: "cvss", limit: "75" });
});

test("probabilities keep what matters of them", () => {
  assert.deepEqual([0.9444, 0.1, 0.0213, 0.0004, 0, 1].map(percentText), ["94 %", "10 %", "2.1 %", "< 0.1 %", "< 0.1 %", "100 %"]);
});
