/** One's alerts and watch list: read over REST, kept up to date by events. */

import { EMPTY, takeAlert, takeAlerts, TTL } from "../logic/alerts.js";
import { lostProblem, toProblem } from "../logic/problems.js";
import { get, post, remove } from "../net/rest.js";

export class Alerts {
  #app;
  #isRead = false;
  /** Changes since each question that is under way: its answer may be older than they are. */
  #since = new Set();

  constructor(app) {
    this.#app = app;
    const { store, session } = app;
    store.set("alerts", { data: { ...EMPTY, ttl: TTL }, problem: null, asking: false, since: session.now() });
    session.on("alert_raised", ({ alert }, event) => this.#take(alert, event));
    session.on("alert_resolved", ({ alert }, event) => this.#take(alert, event));
    session.on("gap", ({ stream }) => stream === "alerts" && this.ask());
    session.on("synced", () => (this.#isRead && !this.#state.problem) || this.ask());
  }

  get #state() {
    return this.#app.store.get("alerts");
  }

  /** Read alerts and watch list. */
  async ask() {
    const since = [];
    this.#since.add(since);
    this.#patch({ asking: true });
    try {
      const [alerts, { watched }] = await Promise.all([get("/api/alerts?limit=100"), get("/api/watch-list")]);
      this.#app.store.update("alerts", (state) => {
        const read = { ...takeAlerts(state.data, alerts, this.#app.session.now()), watched };
        return { ...state, data: since.reduce((held, change) => change(held), read) };
      });
      this.#isRead = true;
      this.#patch({ asking: false, problem: null });
    } catch (refusal) {
      this.#patch({ asking: false, problem: this.#problem(refusal, "The alerts were not loaded") });
    } finally {
      this.#since.delete(since);
    }
  }

  acknowledge(id) {
    return this.#act(() => post(`/api/alerts/${id}/acknowledge`), "The alert was not acknowledged");
  }

  resolve(id) {
    return this.#act(() => post(`/api/alerts/${id}/resolve`), "The alert was not resolved");
  }

  /** Watch for a term; resolves with whether it was taken. */
  async watch(term) {
    const entry = await this.#act(() => post("/api/watch-list", { term }), "It was not put on the watch list");
    if (!entry) return false;
    this.#data((held) => ({ ...held, watched: [entry, ...held.watched.filter(({ id }) => id !== entry.id)] }));
    return true;
  }

  async unwatch(id) {
    const done = await this.#act(() => remove(`/api/watch-list/${id}`).then(() => true), "It was not taken off the watch list");
    if (done) this.#data((held) => ({ ...held, watched: held.watched.filter((one) => one.id !== id) }));
  }

  #take(alert, event) {
    const known = this.#state.data.alerts.find(({ id }) => id === alert.id);
    this.#data((held) => takeAlert(held, alert, this.#app.session.now()));
    if (event === "alert_raised" && !known && alert.status === "raised" && this.#isRead) {
      this.#app.toasts.show({ level: "warning", message: `${alert.title}.` });
    }
  }

  async #act(action, what) {
    try {
      const answer = await action();
      if (answer?.rule) this.#data((held) => takeAlert(held, answer, this.#app.session.now()));
      return answer;
    } catch (refusal) {
      this.#app.toasts.problem(this.#problem(refusal, what));
      return null;
    }
  }

  #problem(refusal, what) {
    if (refusal instanceof Error) throw refusal;
    return refusal ? toProblem(refusal, this.#app.session.now()) : lostProblem(what);
  }

  #data(change) {
    for (const since of this.#since) since.push(change);
    this.#app.store.update("alerts", (state) => ({ ...state, data: change(state.data) }));
  }

  #patch(changes) {
    this.#app.store.update("alerts", (state) => ({ ...state, ...changes }));
  }
}
