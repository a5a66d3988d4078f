/** The list of experiments as logic: the view in the URL, the question to the server, what came of a file. */

import assert from "node:assert/strict";
import test from "node:test";

import {
  doneToast,
  exportPath,
  fileType,
  importOutcome,
  isNarrowed,
  listPath,
  readExperimentsView,
  remarks,
  writeExperimentsView,
} from "../../static/js/logic/experiments.js";
import { outboxRow, sizeText, takeOutbox } from "../../static/js/logic/outbox.js";

const FULL = "?q=port+scan&type=benchmark&status=failed&from=2026-01-01&to=2026-01-31&deleted=1&sort=name";

test("a view survives the URL, and the default view is no query at all", () => {
  assert.equal(writeExperimentsView(readExperimentsView(FULL)), FULL);
  assert.equal(writeExperimentsView(readExperimentsView("")), "");
});

test("what cannot be in a URL falls back to its default", () => {
  const view = readExperimentsView("?type=<script>&status=A&from=yesterday&sort=colour&deleted=yes");
  assert.equal(writeExperimentsView(view), "");
  assert.equal(isNarrowed(view), false);
});

test("list and export ask for the same experiments", () => {
  const view = readExperimentsView(FULL);
  const list = new URL(listPath(view, "abc"), "http://x").searchParams;
  const file = new URL(exportPath(view, "json"), "http://x").searchParams;
  assert.equal(list.get("cursor"), "abc");
  assert.equal(file.get("format"), "json");
  for (const name of ["search", "type", "status", "created_from", "created_to", "deleted", "sort"]) {
    assert.ok(list.get(name), name);
    assert.equal(list.get(name), file.get(name));
  }
});

test("what is not as it should be is said, with the right number", () => {
  assert.deepEqual(remarks({ damaged: 0, queued: 0, message: "" }), []);
  const told = remarks({ damaged: 2, queued: 1, message: "Away." });
  assert.deepEqual(told, ["Away.", "1 change waits for the database. Nothing is lost.", "2 damaged rows are left out."]);
});

test("a file is sent as what its name says, or not at all", () => {
  assert.equal(fileType("a.CSV"), "text/csv");
  assert.equal(fileType("a.json"), "application/json");
  assert.equal(fileType("a.xlsx"), null);
});

test("what came of a file is one sentence and the skipped rows", () => {
  const rows = [{ row: 1, outcome: "accepted" }, { row: 2, outcome: "skipped", reason: "name: Missing." }];
  const outcome = importOutcome({ total: 2, accepted: 1, skipped: 1, rows });
  assert.equal(outcome.text, "1 of 2 rows taken in. 1 was skipped.");
  assert.deepEqual(outcome.skipped, [rows[1]]);
  assert.match(importOutcome({ total: 2, accepted: 2, skipped: 0, queued: 2, rows: [] }).text, /2 of them wait for the database/);
});

test("a change that waits is said so, and not as a success", () => {
  assert.equal(doneToast("created", { name: "x" }).level, "success");
  const queued = doneToast("created", { name: "x", queued: true });
  assert.equal(queued.level, "warning");
  assert.match(queued.message, /database is away/);
});

test("an entry of the outbox says what, whose and why", () => {
  const at = "2026-01-01T00:00:00+00:00";
  const entry = { id: "1", state: "set_aside", table: "audit_log", operation: "insert", record_id: "r", owner: "", columns: ["id", "name"], attempts: 2, error: "No.", queued_at: at };
  const row = outboxRow(entry, Date.parse(at) + 60_000);
  assert.deepEqual([row.title, row.word, row.owner, row.tries, row.error, row.aside], ["insert in audit log", "set aside", "unknown", "2 attempts", "No.", true]);
  assert.equal(takeOutbox({ entries: [], pending: 0, set_aside: 0, bytes: 0, oldest: null, next_cursor: null }).oldest, null);
  assert.deepEqual([sizeText(10), sizeText(1536), sizeText(20 * 1024 ** 2)], ["10 B", "1.5 KB", "20 MB"]);
});
