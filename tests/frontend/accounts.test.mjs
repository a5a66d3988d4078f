/** Accounts and administrative acts in words. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { accountRow, nameFault, passwordFault } from "../../static/js/logic/accounts.js";
import { auditRow, MOST_ENTRIES, NO_ENTRIES, takeNewest, takeOlder } from "../../static/js/logic/audit.js";

const NOW = Date.parse("2026-01-01T12:00:00Z");
const ANN = { id: "ann", name: "ann", role: "analyst", status: "active", signed_in_at: "2026-01-01T11:59:00.000000+00:00" };

test("an active account with a role is well, one without a role may not come in, a disabled one is off", () => {
  assert.deepEqual([accountRow(ANN, NOW).tone, accountRow(ANN, NOW).statusText], ["ok", "Active"]);
  assert.deepEqual([accountRow({ ...ANN, role: "" }, NOW).tone, accountRow({ ...ANN, role: "" }, NOW).roleText], ["warn", "no role"]);
  assert.deepEqual([accountRow({ ...ANN, status: "disabled" }, NOW).tone, accountRow({ ...ANN, status: "disabled" }, NOW).active], ["off", false]);
});

test("the last sign-in is told by its age, and that there was none", () => {
  assert.equal(accountRow(ANN, NOW).seenText, "signed in 1 min ago");
  for (const none of [null, undefined, "nonsense"]) {
    assert.equal(accountRow({ ...ANN, signed_in_at: none }, NOW).seenText, "never signed in");
  }
});

test("one's own account is known, since nobody changes their own role", () => {
  assert.equal(accountRow(ANN, NOW, "ann").own, true);
  assert.equal(accountRow(ANN, NOW, "admin").own, false);
});

test("a name that the server would refuse is told beside the field", () => {
  for (const good of ["ann", " Ann ", "a.b-c_d+e@example.org", "7"]) assert.equal(nameFault(good, "local"), "", good);
  for (const bad of ["", "admin", "ADMIN", "a b", "-x", "<b>", "x".repeat(65)]) assert.notEqual(nameFault(bad, "local"), "", bad);
  assert.equal(nameFault("ann@example.org", "supabase"), "");
  assert.notEqual(nameFault("ann", "supabase"), "");
});

test("a password may be left to the server, but not be short", () => {
  assert.equal(passwordFault(""), "");
  assert.equal(passwordFault("x".repeat(12)), "");
  assert.notEqual(passwordFault("x".repeat(11)), "");
});

test("an act is told in words with its details", () => {
  const entry = { id: "1", user_id: "admin", action: "change_role", target: "ann", details: { role: "viewer", seconds: 6 }, created_at: "2026-01-01T12:00:00Z" };
  assert.deepEqual(auditRow(entry), { id: "1", who: "admin", act: "change role", target: "ann", more: "role: viewer, seconds: 6", at: NOW, timestamp: entry.created_at });
  assert.equal(auditRow({ ...entry, details: null }).more, "");
});

const page = (from, to, next = null) => ({ entries: Array.from({ length: from - to + 1 }, (_, index) => ({ id: from - index })), next_cursor: next });
const idsOf = ({ entries }) => entries.map(({ id }) => id);

test("new acts go before those that are held, and none falls out between the pages", () => {
  const two = takeOlder(takeNewest(NO_ENTRIES, page(6, 4, "a")), page(3, 1, "b"));
  const news = takeNewest(two, page(8, 6, "c"));
  assert.deepEqual([idsOf(news), news.next], [[8, 7, 6, 5, 4, 3, 2, 1], "b"]);
});

test("after more news than a page the list begins anew rather than with a hole", () => {
  const two = takeOlder(takeNewest(NO_ENTRIES, page(6, 4, "a")), page(3, 1, "b"));
  const news = takeNewest(two, page(12, 10, "c"));
  assert.deepEqual([idsOf(news), news.next], [[12, 11, 10], "c"]);
});

test("a browser holds a bounded number of acts", () => {
  const held = takeOlder(takeNewest(NO_ENTRIES, page(900, 500, "a")), page(499, 100, "b"));
  assert.deepEqual([held.entries.length, held.next], [MOST_ENTRIES, null]);
});
