/** Lists over REST whose answer is older than what was pushed meanwhile. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Alerts } from "../../static/js/state/alerts.js";
import { Scans } from "../../static/js/state/scans.js";
import { Store } from "../../static/js/state/store.js";

globalThis.document = { querySelector: () => null };

const settled = () => new Promise((resolve) => setImmediate(resolve));
const scan = (id, status) => ({ id, name: id, status, created_at: `2026-01-0${id}T00:00:00Z` });

/** A noun whose questions over REST the test answers and whose events it sends. */
function opened(Noun) {
  const handlers = {};
  const asked = [];
  mock.method(globalThis, "fetch", (path) => {
    return new Promise((resolve) => asked.push({ path, answer: (body) => resolve({ ok: true, status: 200, json: async () => body }) }));
  });
  const store = new Store();
  const session = { now: () => 1000, on: (event, handler) => (handlers[event] = handler) };
  const noun = new Noun({ store, session, toasts: { show: () => {} } });
  return { noun, asked, store, emit: (event, payload) => handlers[event](payload, event) };
}

test("a list of scans that was read before a scan ended does not take the end back", async () => {
  const { noun, asked, store, emit } = opened(Scans);
  noun.ask();
  emit("scan_result", { scan: scan("2", "completed") });
  emit("scan_result", { scan: scan("1", "completed") });
  asked[0].answer({ scans: [scan("1", "running")], total: 1, next_cursor: null });
  await settled();
  const { scans, total } = store.get("scans").data;
  assert.deepEqual(scans.map(({ id, status }) => [id, status]), [["2", "completed"], ["1", "completed"]]);
  assert.equal(total, 2);
});

test("a list of alerts that was read before one was raised and a term watched does not take them back", async () => {
  const { noun, asked, store, emit } = opened(Alerts);
  noun.ask();
  emit("alert_raised", { alert: { id: "a", status: "raised", title: "A" } });
  const watching = noun.watch("acme");
  asked[2].answer({ id: "w", term: "acme" });
  assert.equal(await watching, true);
  asked[0].answer({ alerts: [] });
  asked[1].answer({ watched: [] });
  await settled();
  const { alerts, watched } = store.get("alerts").data;
  assert.deepEqual([alerts.map(({ id }) => id), watched.map(({ id }) => id)], [["a"], ["w"]]);
});
