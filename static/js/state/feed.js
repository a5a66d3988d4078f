/**
 * What is known about one noun: its newest payload, the problem of the newest attempt, and the question under way.
 *
 * One question is under way at a time, since answers carry no mark of their question; a newer one replaces a waiting one.
 */

import { lostProblem, NO_ANSWER, toProblem } from "../logic/problems.js";

const ANSWER_MS = 20_000;

export class Feed {
  #session;
  #store;
  #name;
  #reduce;
  #asked = null;
  #waiting = null;
  #timer = null;

  /**
   * @param {object} wiring
   * @param {string} wiring.name threats, pulse, summary or status: also the key in the store
   * @param {function} wiring.reduce (data before, payload, asked|null) → data; `asked` is the question it answers
   */
  constructor({ session, store, name, reduce }) {
    this.#session = session;
    this.#store = store;
    this.#name = name;
    this.#reduce = reduce;
    store.set(name, { data: null, problem: null, asking: false, since: session.now() });
    session.on(`${name}_update`, (payload) => this.#updated(payload));
    session.on(`${name}_error`, (payload) => this.#failed(payload));
    session.on("synced", ({ fresh }) => fresh && this.#forget());
  }

  /** Ask the server. `question` is the event's payload; `about` is kept for the reducer. */
  ask(question = {}, about = {}) {
    const asked = { question, about };
    if (this.#asked) this.#waiting = asked;
    else this.#send(asked);
  }

  /** The connection is new: what was under way will not be answered, and that it was not is no news any more. */
  #forget() {
    this.#waiting = null;
    if (this.#store.get(this.#name).problem?.code === NO_ANSWER) this.#patch({ problem: null });
    this.#done();
  }

  async #send(asked) {
    this.#asked = asked;
    this.#timer = setTimeout(() => this.#lost(asked), ANSWER_MS);
    this.#patch({ asking: true });
    try {
      await this.#session.send(`request_${this.#name}`, asked.question);
    } catch (refusal) {
      if (this.#asked !== asked) return;
      this.#patch({ problem: refusal ? toProblem(refusal, this.#session.now()) : this.#silence() });
      this.#done();
    }
  }

  #lost(asked) {
    if (this.#asked !== asked) return;
    this.#patch({ problem: this.#silence() });
    this.#done();
  }

  #updated(payload) {
    const asked = payload.request ? (this.#asked ?? {}) : null;
    this.#store.update(this.#name, (feed) => ({ ...feed, problem: null, data: this.#reduce(feed.data, payload, asked) }));
    if (payload.request) this.#done();
  }

  #failed(payload) {
    const problem = { ...toProblem(payload, this.#session.now()), sources: payload.sources ?? null };
    this.#patch({ problem });
    if (payload.request) this.#done();
  }

  #done() {
    clearTimeout(this.#timer);
    this.#asked = null;
    const next = this.#waiting;
    this.#waiting = null;
    if (next) this.#send(next);
    else this.#patch({ asking: false });
  }

  #silence() {
    return lostProblem("No answer to the request");
  }

  #patch(changes) {
    this.#store.update(this.#name, (feed) => ({ ...feed, ...changes }));
  }
}
