/** All items of a topic, asked for one topic at a time when somebody wants to see more than the newest. */

import { lostProblem, toProblem } from "../logic/problems.js";
import { get } from "../net/rest.js";

const MOST = 20;

export class TopicItems {
  #app;
  #changed;
  #found = new Map();
  #loading = new Set();

  constructor(app, changed) {
    this.#app = app;
    this.#changed = changed;
    // new items make what was asked for old: it is asked for again by who wants it
    app.session.on("pulse_update", () => this.#found.clear());
  }

  /** What is held of a topic, or undefined. */
  of(topic, window) {
    return this.#found.get(keyOf(topic, window));
  }

  loading(topic) {
    return this.#loading.has(topic.topic);
  }

  async load(topic, window) {
    this.#loading.add(topic.topic);
    this.#changed();
    try {
      const query = new URLSearchParams({ topic: topic.topic, kind: topic.kind, window });
      this.#keep(keyOf(topic, window), await get(`/api/pulse/items?${query}`));
    } catch (refusal) {
      if (refusal instanceof Error) throw refusal;
      this.#app.toasts.problem(refusal ? toProblem(refusal, this.#app.session.now()) : lostProblem("The items were not loaded"));
    } finally {
      this.#loading.delete(topic.topic);
      this.#changed();
    }
  }

  #keep(key, answer) {
    this.#found.set(key, answer);
    while (this.#found.size > MOST) this.#found.delete(this.#found.keys().next().value);
  }
}

function keyOf({ topic, kind }, window) {
  return `${window} ${kind} ${topic}`;
}
