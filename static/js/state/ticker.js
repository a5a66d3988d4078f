/** One beat a second for everything that shows an age or a countdown. */

export class Ticker {
  #listeners = [];

  /** Begin to beat, just after each full second of the local clock. */
  start() {
    const beat = () => {
      for (const listener of this.#listeners) listener();
      setTimeout(beat, 1000 - (Date.now() % 1000) + 5);
    };
    beat();
  }

  on(listener) {
    this.#listeners.push(listener);
  }
}
