/** The conversation with the server over the link: events in order and once, requests, sync after each connection. */

import { ClockOffset } from "../logic/clock.js";
import { parseTime } from "../logic/time.js";
import { Sequencer } from "../logic/sequence.js";

const SYNC_RETRY_MS = 2000;
/** A jump of the local clock against its monotonic twin by more than this (ms) voids what was learnt about the server's. */
const CLOCK_JUMP = 1500;

export class Session {
  #link;
  #sequencer = new Sequencer();
  #handlers = new Map();
  #offset = new ClockOffset();
  #drift = Date.now() - performance.now();
  #syncTimer = null;
  #round = 0;
  #syncing = false;
  /** The connection has not been caught up with yet. */
  #fresh = false;

  constructor(link) {
    this.#link = link;
    link.on("event", (item) => this.#take(item));
    link.on("up", () => this.#sync(true));
    // A second of its own keeps the two clocks compared while nothing arrives.
    setInterval(() => this.#checkClock(), 1000);
  }

  get connected() {
    return this.#link.connected;
  }

  /** The server's time now, in ms. */
  now() {
    return Date.now() + this.#offset.value;
  }

  /**
   * Call `handler(payload, event)` for each event of that name, in order. Two are made here: "gap" {stream} where part
   * of a log is lost, "synced" {fresh} when all that was missed has been delivered; `fresh` tells the first time on a new
   * connection, where questions of the old one will not be answered any more.
   */
  on(event, handler) {
    this.#handlers.set(event, [...(this.#handlers.get(event) ?? []), handler]);
  }

  /** Send an event; resolves with the ack's data, rejects with the error body (undefined: no answer). */
  send(event, payload = {}, timeout = undefined) {
    return this.#link.send(event, payload, timeout);
  }

  #take(item) {
    this.#offset.observe(stamp(item), Date.now());
    this.#deliver(this.#sequencer.offer(item));
    if (this.#sequencer.needsSync) this.#sync(false);
  }

  /** Ask for what is missing. After a connection (`fresh`) a round that is still under way no longer counts. */
  async #sync(fresh) {
    clearTimeout(this.#syncTimer);
    if (this.#syncing && !fresh) return;
    this.#syncing = true;
    this.#fresh ||= fresh;
    this.#round += 1;
    const round = this.#round;
    this.#sequencer.beginSync();
    const answer = await this.#link.send("sync", this.#sequencer.positions()).catch(() => null);
    if (round !== this.#round) return;
    this.#syncing = false;
    if (answer) this.#synced(answer);
    else if (this.connected) this.#syncTimer = setTimeout(() => this.#sync(false), SYNC_RETRY_MS);
  }

  #synced(answer) {
    this.#deliver(this.#sequencer.completeSync(answer.streams));
    const fresh = this.#fresh;
    this.#fresh = false;
    this.#deliver([{ event: "synced", payload: { fresh } }]);
  }

  #deliver(items) {
    for (const { event, payload } of items) {
      for (const handler of this.#handlers.get(event) ?? []) handler(payload, event);
    }
  }

  #checkClock() {
    const drift = Date.now() - performance.now();
    if (Math.abs(drift - this.#drift) > CLOCK_JUMP) this.#offset.reset();
    this.#drift = drift;
  }
}

/** When the server made this event: only stamps that are surely fresh, since data in it may be older. */
function stamp({ event, payload }) {
  if (payload?.at) return parseTime(payload.at) ?? NaN;
  const fresh = event === "status_update" || event.endsWith("_loading") || event.endsWith("_error");
  return fresh ? (parseTime(payload?.timestamp) ?? NaN) : NaN;
}
