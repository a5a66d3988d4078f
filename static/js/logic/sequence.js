/**
 * Puts the numbered events of each stream in order: nothing twice, nothing lost over a reconnection.
 *
 * A gauge (threats, pulse, status, summary) is a whole picture, and the server may leave pictures out when a client is
 * slow: the newest wins. A log (chat, scans, alerts, notice) must be complete: a hole asks for a sync.
 */

export const GAUGES = new Set(["threats", "pulse", "status", "summary"]);
export const STREAMS = ["threats", "pulse", "status", "summary", "chat", "scans", "alerts", "notice"];
const HELD_LIMIT = 1000;

export class Sequencer {
  #last = Object.fromEntries(STREAMS.map((name) => [name, 0]));
  #held = [];
  #syncing = false;

  /** True when events are missing and the server should be asked. */
  needsSync = false;

  /** The last number applied of each stream, as `sync` sends it. */
  positions() {
    return { ...this.#last };
  }

  /** From now until completeSync, events are held: their numbers may belong to a new life of the server. */
  beginSync() {
    this.#syncing = true;
    this.needsSync = false;
  }

  /**
   * Take one event as it arrives.
   *
   * @param {{event: string, payload: object}} item
   * @returns {Array} the events to apply now, in order
   */
  offer(item) {
    const { stream, seq } = item.payload ?? {};
    if (!Number.isInteger(seq)) return [item];
    if (this.#syncing) return this.#hold(item);
    const last = this.#last[stream] ?? 0;
    if (seq <= last) return [];
    if (seq > last + 1 && !GAUGES.has(stream)) {
      this.needsSync = true;
      return this.#hold(item);
    }
    this.#last[stream] = seq;
    return [item];
  }

  /**
   * Take the answer of `sync`.
   *
   * @param {object} streams {name: {events} | {gap, seq, snapshot}}
   * @returns {Array} the events to apply, in order; a gap in a log gives {event: "gap", payload: {stream}} first
   */
  completeSync(streams) {
    this.#syncing = false;
    this.needsSync = false;
    const out = [];
    for (const [stream, answer] of Object.entries(streams ?? {})) out.push(...this.#answered(stream, answer));
    return out.concat(this.#release());
  }

  #answered(stream, answer) {
    if (answer.gap) {
      this.#last[stream] = answer.seq ?? 0;
      const marker = GAUGES.has(stream) ? [] : [{ event: "gap", payload: { stream } }];
      return marker.concat(answer.snapshot ?? []);
    }
    const fresh = (answer.events ?? []).filter(({ payload }) => payload.seq > (this.#last[stream] ?? 0));
    if (fresh.length) this.#last[stream] = fresh.at(-1).payload.seq;
    return fresh;
  }

  /** What was held is newer than the answer or already in it; a hole that the server does not know of is no hole. */
  #release() {
    const held = this.#held.sort((a, b) => a.payload.seq - b.payload.seq);
    this.#held = [];
    return held.filter(({ payload: { stream, seq } }) => {
      if (seq <= (this.#last[stream] ?? 0)) return false;
      this.#last[stream] = seq;
      return true;
    });
  }

  #hold(item) {
    this.#held.push(item);
    if (this.#held.length > HELD_LIMIT) this.#held.shift();
    return [];
  }
}
