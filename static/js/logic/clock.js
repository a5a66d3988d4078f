/**
 * The server's clock as seen from here.
 *
 * A message stamped with the server's time arrives a little late, never early, so every sample of (stamp − local time)
 * is at most the true difference: the largest of the recent samples is the best estimate. Replayed messages carry
 * old stamps and would only pull the estimate down; with a maximum they do no harm.
 */
export class ClockOffset {
  #samples = [];
  #keep;

  /** @param {number} keep how many of the newest samples count */
  constructor(keep = 16) {
    this.#keep = keep;
  }

  /** Take the stamp of a message that was just received. Both in milliseconds. */
  observe(serverTime, localTime) {
    if (!Number.isFinite(serverTime)) return;
    this.#samples.push(serverTime - localTime);
    if (this.#samples.length > this.#keep) this.#samples.shift();
  }

  /** Milliseconds to add to the local clock; 0 before the first sample. */
  get value() {
    return this.#samples.length ? Math.max(...this.#samples) : 0;
  }

  /** Forget everything, as after the local clock was set or the machine slept. */
  reset() {
    this.#samples = [];
  }
}
