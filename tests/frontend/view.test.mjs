import assert from "node:assert/strict";
import { test } from "node:test";
import { chosen, contextLines, keyed, readConsoleView, writeConsoleView } from "../../static/js/logic/errors.js";
import { isFiltered } from "../../static/js/logic/threat_view.js";
import { readView, writeView } from "../../static/js/logic/view.js";

test("the default view leaves the address clean", () => assert.equal(writeView(readView("")), ""));

test("a view survives its way through the address", () => {
  const view = {
    severity: "critical", search: "vpn & co", ransomware: true, exploited: true, source: "nvd", vendor: "Red Hat", epss: "0.5",
    since: "2026-07-01", until: "2026-07-31", sort: "cvss", window: "7d", scan: "0b9f7a7e-0000-4000-8000-000000000000", conversation: "abc-1",
  };
  assert.deepEqual(readView(writeView(view)), view);
});

test("what an address cannot mean falls back to the default", () => {
  assert.deepEqual(readView("?severity=evil&window=1y&ransomware=yes&conversation=%3Cscript%3E"), readView(""));
  assert.deepEqual(readView("?source=%3Cb%3E&epss=7&since=yesterday&until=2026-99-99&sort=evil&exploited=2"), readView(""));
  assert.equal(readView(`?q=${"x".repeat(500)}`).search.length, 100);
});

test("blanks alone are no search", () => assert.equal(isFiltered({ ...readView(""), search: "  " }), false));

test("the console's view survives its way, and unknown limits do not", () => {
  const view = { type: "TIMEOUT", search: "kev", limit: 100 };
  assert.deepEqual(readConsoleView(writeConsoleView(view)), view);
  assert.equal(readConsoleView("?limit=7").limit, 25);
  assert.equal(writeConsoleView(readConsoleView("")), "");
});

const ERRORS = [
  { timestamp: "2026-01-01T00:00:02Z", type: "TIMEOUT", message: "late", context: { endpoint: "event chat" } },
  { timestamp: "2026-01-01T00:00:01Z", type: "UPSTREAM", message: "refused", context: {} },
  { timestamp: "2026-01-01T00:00:01Z", type: "UPSTREAM", message: "refused again", context: { depth: { a: 1 } } },
];

test("keys of errors differ and stay when newer errors come before them", () => {
  const before = keyed(ERRORS.slice(1)).map(({ key }) => key);
  const after = keyed(ERRORS).map(({ key }) => key);
  assert.deepEqual(after.slice(1), before);
  assert.equal(new Set(after).size, 3);
});

test("errors are chosen by type, words anywhere in them, and limit", () => {
  const view = { type: "", search: "", limit: 25 };
  assert.equal(chosen(ERRORS, { ...view, type: "UPSTREAM" }).found, 2);
  assert.equal(chosen(ERRORS, { ...view, search: "CHAT late" }).found, 1);
  assert.deepEqual([chosen(ERRORS, { ...view, limit: 1 }).rows.length, chosen(ERRORS, { ...view, limit: 1 }).found], [1, 3]);
});

test("context is shown as text, whatever it holds", () => {
  assert.deepEqual(contextLines({ a: "x", b: { c: 1 } }), [["a", "x"], ["b", '{"c":1}']]);
  assert.deepEqual(contextLines(undefined), []);
});
