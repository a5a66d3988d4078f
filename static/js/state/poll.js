/** What is read over REST now and then, in the form of a feed: {data, problem, asking, since}. */

import { lostProblem, toProblem } from "../logic/problems.js";
import { get } from "../net/rest.js";

/** Milliseconds between two questions at least, however often it is nudged. */
const PAUSE_MS = 1000;

export class Poll {
  #app;
  #name;
  #path;
  #take;
  #askedAt = -Infinity;
  #round = 0;
  #taken = 0;
  #timer = null;

  /**
   * @param {object} app
   * @param {object} poll
   * @param {string} poll.name key in the store
   * @param {string|function} poll.path or what returns it when it is asked
   * @param {number} poll.every milliseconds; a hidden page does not ask
   * @param {function} poll.take (answer) → data; without an asOf of its own it is as of the question
   */
  constructor(app, { name, path, every, take }) {
    this.#app = app;
    this.#name = name;
    this.#path = path;
    this.#take = take;
    app.store.set(name, { data: null, problem: null, asking: false, since: app.session.now() });
    setInterval(() => document.hidden || this.ask(), every);
    document.addEventListener("visibilitychange", () => document.hidden || this.ask());
    this.ask();
  }

  /** Ask soon: at once, or after the pause. */
  ask() {
    const wait = this.#askedAt + PAUSE_MS - performance.now();
    if (wait <= 0) this.#read();
    else this.#timer ??= setTimeout(() => this.#read(), wait);
  }

  async #read() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#askedAt = performance.now();
    this.#patch({ asking: true });
    const began = this.#app.session.now();
    const question = { path: this.#address(), round: (this.#round += 1) };
    try {
      const answer = await get(question.path);
      this.#settle(question, () => ({ data: { asOf: began, sources: [], ...this.#take(answer) }, problem: null }));
    } catch (refusal) {
      if (refusal instanceof Error) throw refusal;
      this.#settle(question, () => ({ problem: refusal ? toProblem(refusal, began) : lostProblem("Not loaded") }));
    }
  }

  /** Answers may overtake each other: one that is older than what is shown, or about something else by now, is dropped. */
  #settle({ path, round }, changes) {
    if (round < this.#taken || path !== this.#address()) return;
    this.#taken = round;
    this.#patch({ ...changes(), asking: round < this.#round });
  }

  #address() {
    return typeof this.#path === "function" ? this.#path() : this.#path;
  }

  #patch(changes) {
    this.#app.store.update(this.#name, (feed) => ({ ...feed, ...changes }));
  }
}
