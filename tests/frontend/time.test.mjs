import assert from "node:assert/strict";
import { test } from "node:test";
import { agoText, countText, dayText, dueText, inText, momentText, parseTime, spanText } from "../../static/js/logic/time.js";

const NOON = Date.parse("2026-03-10T12:00:00Z");

test("a time without a zone is read as UTC", () => {
  assert.equal(parseTime("2026-03-10T12:00:00"), NOON);
  assert.equal(parseTime("2026-03-10T12:00:00.000000+00:00"), NOON);
  assert.equal(parseTime("2026-03-10T13:00:00+01:00"), NOON);
});

test("what is no time is null", () => {
  for (const value of [null, undefined, "", "soon", 5, {}]) assert.equal(parseTime(value), null);
});

test("a span is told in one unit and never negative", () => {
  const told = [-3, 0, 59, 60, 5399, 5400, 129_599, 129_600, 864_000].map(spanText);
  assert.deepEqual(told, ["0 s", "0 s", "59 s", "1 min", "89 min", "1 h", "35 h", "1 day", "10 days"]);
});

test("the past is told as ago, the first two seconds as just now", () => {
  assert.equal(agoText(NOON - 1500, NOON), "just now");
  assert.equal(agoText(NOON - 180_000, NOON), "3 min ago");
});

test("the future never says 0 s", () => {
  assert.equal(inText(NOON + 100, NOON), "in 1 s");
  assert.equal(inText(NOON - 1, NOON), "now");
});

test("due dates are counted in whole days", () => {
  assert.deepEqual(dueText("2026-03-10", NOON), { days: 0, text: "due today", overdue: false });
  assert.equal(dueText("2026-03-11", NOON).text, "due in 1 day");
  assert.deepEqual(dueText("2026-03-08", NOON), { days: -2, text: "2 days overdue", overdue: true });
  assert.equal(dueText(null, NOON), null);
  assert.equal(dueText("soon", NOON), null);
});

test("the age of a date is told in days", () => {
  assert.equal(dayText("2026-03-10", NOON), "today");
  assert.equal(dayText("2026-03-09", NOON), "yesterday");
  assert.equal(dayText("2026-03-01", NOON), "9 days ago");
  assert.equal(dayText(null, NOON), "");
});

test("counts take the plural and part thousands", () => {
  assert.equal(countText(1, "record"), "1 record");
  assert.equal(countText(1600, "record"), "1,600 records");
});

test("a moment names its zone, since pages are shown to others and printed", () => {
  const zone = new Intl.DateTimeFormat(undefined, { timeZoneName: "short" }).formatToParts(NOON).find(({ type }) => type === "timeZoneName").value;
  assert.ok(momentText(NOON).includes(zone), momentText(NOON));
  assert.match(momentText(NOON), /2026/);
});
