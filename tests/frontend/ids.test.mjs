import assert from "node:assert/strict";
import { test } from "node:test";
import { randomId } from "../../static/js/state/ids.js";

test("an id can be made where the browser offers no randomUUID, as on plain http", () => {
  const source = { getRandomValues: (bytes) => bytes.fill(10) };
  assert.equal(randomId(source), "0a".repeat(16));
});

test("no two ids are the same, and each is one that the server takes", () => {
  const made = Array.from({ length: 1000 }, () => randomId());
  assert.equal(new Set(made).size, 1000);
  assert.ok(made.every((id) => /^[A-Za-z0-9_-]{1,64}$/.test(id)));
});
