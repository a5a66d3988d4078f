import assert from "node:assert/strict";
import { test } from "node:test";
import { listQuery } from "../../static/js/logic/conversations.js";
import { chosenModel, modelNote } from "../../static/js/logic/models.js";
import { factsText, itemFacts, trend } from "../../static/js/logic/pulse.js";

test("who talks about a topic is said in words", () => {
  const topic = { authors: 2, source_names: ["A", "B", "C", "D", "E"], burst: 1 };
  assert.equal(factsText(topic), "A, B, C, D and 1 more · 2 authors");
  assert.equal(factsText({ authors: 0, source_names: ["A"], burst: null }), "A · no history yet to tell a burst");
});

test("an item names all its sources, its author and its age", () => {
  assert.equal(itemFacts({ source: "A" }, "3 min ago"), "A · 3 min ago");
  assert.equal(itemFacts({ source: "A", source_names: ["A", "B"], author: "ann" }, ""), "A, B · ann");
});

test("a burst is told before a mere rise", () => {
  assert.equal(trend({ velocity: 1, burst: 2.4 }).tone, "bad");
  assert.equal(trend({ velocity: 1, burst: null }).tone, "warn");
});

test("a model that can no longer be chosen is forgotten", () => {
  const list = { models: ["a", "b"], default: "a" };
  assert.deepEqual(["b", "a", "gone", ""].map((kept) => chosenModel(list, kept)), ["b", "", "", ""]);
});

test("an old list of models says why it is old", () => {
  assert.equal(modelNote({ stale: false }, "Listed 2 min ago"), "Listed 2 min ago");
  assert.equal(modelNote({ stale: true, reason: { message: "No key." } }, ""), "No key.");
});

test("the list of conversations is asked for with what was typed", () => {
  assert.equal(listQuery("", null), "");
  assert.equal(listQuery("a & b", "x="), "?search=a+%26+b&cursor=x%3D");
});
