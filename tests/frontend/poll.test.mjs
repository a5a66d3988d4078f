/** Answers over REST that overtake each other. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Poll } from "../../static/js/state/poll.js";
import { Store } from "../../static/js/state/store.js";

mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
globalThis.document = { hidden: false, addEventListener: () => {}, querySelector: () => null };

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A poll whose answers the test gives: `asked` are the questions so far, each {path, answer}. */
function started(path) {
  const asked = [];
  mock.method(globalThis, "fetch", (address) => {
    return new Promise((resolve) => {
      const answer = (body, ok = true) => resolve({ ok, status: ok ? 200 : 503, json: async () => body });
      asked.push({ path: address, answer });
    });
  });
  const store = new Store();
  const poll = new Poll({ store, session: { now: () => 1000 } }, { name: "rows", path, every: 1e9, take: (answer) => answer });
  const again = () => {
    poll.ask();
    mock.timers.tick(1000);
  };
  return { asked, again, get: () => store.get("rows") };
}

test("an answer that is overtaken by a newer one is not shown after it", async () => {
  const { asked, again, get } = started("/api/rows");
  again();
  assert.equal(asked.length, 2);
  asked[1].answer({ rows: "new" });
  await settled();
  asked[0].answer({ rows: "old" });
  await settled();
  assert.deepEqual([get().data.rows, get().asking], ["new", false]);
});

test("answers that take longer than the pause between two questions are shown all the same", async () => {
  const { asked, again, get } = started("/api/rows");
  again();
  asked[0].answer({ rows: "first" });
  await settled();
  assert.deepEqual([get().data.rows, get().asking], ["first", true]);
});

test("the answer to another question than the present one is not shown, nor is its failure", async () => {
  let search = "a";
  const { asked, again, get } = started(() => `/api/rows?q=${search}`);
  search = "ab";
  again();
  asked[0].answer({ rows: "of a" });
  await settled();
  assert.equal(get().data, null);
  asked[1].answer({ rows: "of ab" });
  await settled();
  assert.equal(get().data.rows, "of ab");
  search = "abc";
  again();
  search = "abcd";
  asked[2].answer({ error: "Too long" }, false);
  await settled();
  assert.deepEqual([get().data.rows, get().problem], ["of ab", null]);
});
