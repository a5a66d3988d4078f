import assert from "node:assert/strict";
import { test } from "node:test";
import { Sequencer } from "../../static/js/logic/sequence.js";

const item = (stream, seq, text = `${stream}${seq}`) => ({ event: `${stream}_event`, payload: { stream, seq, text } });
const texts = (items) => items.map(({ payload }) => payload.text);

function synced(streams) {
  const sequencer = new Sequencer();
  sequencer.beginSync();
  sequencer.completeSync(streams);
  return sequencer;
}

test("events without a number pass", () => {
  const answer = { event: "threats_update", payload: { request: true } };
  assert.deepEqual(new Sequencer().offer(answer), [answer]);
});

test("an event is applied once", () => {
  const sequencer = synced({ chat: { gap: true, seq: 10, snapshot: [] } });
  assert.deepEqual(texts(sequencer.offer(item("chat", 11))), ["chat11"]);
  assert.deepEqual(sequencer.offer(item("chat", 11)), []);
  assert.equal(sequencer.positions().chat, 11);
});

test("a gauge may skip numbers, a log may not", () => {
  const sequencer = synced({ chat: { gap: true, seq: 1, snapshot: [] }, threats: { gap: true, seq: 1, snapshot: [] } });
  assert.deepEqual(texts(sequencer.offer(item("threats", 9))), ["threats9"]);
  assert.equal(sequencer.needsSync, false);
  assert.deepEqual(sequencer.offer(item("chat", 3)), []);
  assert.equal(sequencer.needsSync, true);
});

test("the hole is filled by the sync and what was held comes after it, once and in order", () => {
  const sequencer = synced({ chat: { gap: true, seq: 1, snapshot: [] } });
  sequencer.offer(item("chat", 4));
  sequencer.offer(item("chat", 3));
  sequencer.beginSync();
  const out = sequencer.completeSync({ chat: { events: [item("chat", 2), item("chat", 3)] } });
  assert.deepEqual(texts(out), ["chat2", "chat3", "chat4"]);
  assert.equal(sequencer.needsSync, false);
});

test("what is pushed while the sync is under way waits for its answer", () => {
  const sequencer = synced({ status: { gap: true, seq: 5, snapshot: [] } });
  sequencer.beginSync();
  assert.deepEqual(sequencer.offer(item("status", 7)), []);
  assert.deepEqual(texts(sequencer.completeSync({ status: { events: [item("status", 6), item("status", 7)] } })), ["status6", "status7"]);
});

test("a gap in a gauge gives its snapshot, a gap in a log tells that something is lost", () => {
  const sequencer = synced({ pulse: { gap: true, seq: 50, snapshot: [] }, chat: { gap: true, seq: 50, snapshot: [] } });
  sequencer.beginSync();
  const out = sequencer.completeSync({
    pulse: { gap: true, seq: 70, snapshot: [item("pulse", 70)] },
    chat: { gap: true, seq: 90, snapshot: [] },
  });
  assert.deepEqual(out.map(({ event, payload }) => [event, payload.stream]), [["pulse_event", "pulse"], ["gap", "chat"]]);
});

test("a server that begins to count anew is followed", () => {
  const sequencer = synced({ threats: { gap: true, seq: 900, snapshot: [] } });
  sequencer.beginSync();
  sequencer.completeSync({ threats: { gap: true, seq: 3, snapshot: [item("threats", 3)] } });
  assert.deepEqual(texts(sequencer.offer(item("threats", 4))), ["threats4"]);
});

test("nothing is lost or doubled over random cuts of the connection", () => {
  let seed = 7;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  for (let round = 0; round < 200; round += 1) {
    const sequencer = synced({ chat: { gap: true, seq: 0, snapshot: [] } });
    const log = [];
    const seen = [];
    let syncing = false;
    for (let step = 0; step < 60; step += 1) {
      if (random() < 0.6) {
        log.push(item("chat", log.length + 1));
        // the server's push reaches us two times in three, sometimes twice
        if (random() < 0.66) seen.push(...texts(sequencer.offer(log.at(-1))));
        if (random() < 0.2) seen.push(...texts(sequencer.offer(log.at(-1))));
      } else if (!syncing && (sequencer.needsSync || random() < 0.3)) {
        sequencer.beginSync();
        syncing = true;
      } else if (syncing) {
        seen.push(...texts(sequencer.completeSync({ chat: { events: log.slice(sequencer.positions().chat) } })));
        syncing = false;
      }
    }
    if (!syncing) sequencer.beginSync();
    seen.push(...texts(sequencer.completeSync({ chat: { events: log.slice(sequencer.positions().chat) } })));
    assert.deepEqual(seen, texts(log));
  }
});
