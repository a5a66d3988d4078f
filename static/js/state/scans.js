/** One's scans: read over REST, kept up to date by events; and the findings of the one that is open. */

import { EMPTY, findingsQuery, listLimit, NO_FILTERS, takeList, takeProgress, takeScan, TTL } from "../logic/scans.js";
import { lostProblem, toProblem } from "../logic/problems.js";
import { get, post, remove } from "../net/rest.js";
import { upload } from "../net/upload.js";
import { randomId } from "./ids.js";

/** Findings asked for at once; fewer on a narrow screen, where the list is not scrolled inside its panel. */
const FINDINGS = 50;
const NARROW_FINDINGS = 10;

export class Scans {
  #app;
  #asked = 0;
  #isRead = false;
  /** Changes since each question for the list that is under way: its answer may be older than they are. */
  #since = new Set();

  constructor(app) {
    this.#app = app;
    const { store, session } = app;
    store.set("scans", { data: { ...EMPTY, ttl: TTL }, problem: null, asking: false, since: session.now(), uploads: [], open: null });
    session.on("scan_progress", (payload) => this.#progress(payload));
    session.on("scan_result", ({ scan }) => this.#result(scan));
    session.on("gap", ({ stream }) => stream === "scans" && this.ask());
    session.on("synced", () => (this.#isRead && !this.#state.problem) || this.ask());
  }

  get #state() {
    return this.#app.store.get("scans");
  }

  get #limit() {
    return matchMedia("(max-width: 720px)").matches ? NARROW_FINDINGS : FINDINGS;
  }

  /** Read the list; `more` reads on behind it. */
  async ask(more = false) {
    const { session } = this.#app;
    const { data } = this.#state;
    const cursor = more ? data.cursor : null;
    const since = [];
    this.#since.add(since);
    this.#patch({ asking: true });
    try {
      const answer = await get(`/api/scans?limit=${listLimit(data, more)}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
      const open = this.#state.open?.id;
      this.#app.store.update("scans", (state) => {
        const read = takeList(state.data, answer, session.now(), { more, open });
        return { ...state, data: since.reduce((held, change) => change(held), read) };
      });
      this.#isRead = true;
      this.#patch({ asking: false, problem: null });
    } catch (refusal) {
      this.#patch({ asking: false, problem: this.#problem(refusal, "The scans were not loaded") });
    } finally {
      this.#since.delete(since);
    }
  }

  /** Send a report. */
  async send(file) {
    const key = randomId();
    const transfer = upload("/api/scans", file, (share) => this.#upload(key, { share }));
    this.#patch({ uploads: [...this.#state.uploads, { key, name: file.name, size: file.size, share: 0, abort: transfer.abort }] });
    try {
      const scan = await transfer.done;
      if (!scan) return;
      this.#data((held) => (held.scans.some(({ id }) => id === scan.id) ? held : takeScan(held, scan, this.#app.session.now())));
      this.#app.announce.say(`${file.name} was taken in`);
    } catch (refusal) {
      this.#app.toasts.problem(this.#problem(refusal, `${file.name} was not uploaded`));
    } finally {
      this.#patch({ uploads: this.#state.uploads.filter((one) => one.key !== key) });
    }
  }

  cancel(id) {
    return this.#act(() => post(`/api/scans/${id}/cancel`), "The scan was not cancelled");
  }

  rescan(id) {
    return this.#act(() => post(`/api/scans/${id}/rescan`), "The scan was not joined anew");
  }

  async delete(id) {
    await this.#act(() => remove(`/api/scans/${id}`), "The scan was not deleted");
  }

  /** Open a scan and read its findings; null closes it. */
  open(id, filters = NO_FILTERS) {
    if (!id) return this.#patch({ open: null });
    const before = this.#state.open;
    const same = before?.id === id;
    this.#patch({ open: { id, filters, rows: same ? before.rows : [], total: same ? before.total : null, cursor: null, asking: true, problem: null } });
    return this.#read();
  }

  /** The next page of findings. */
  more() {
    this.#patch({ open: { ...this.#state.open, asking: true } });
    return this.#read(true);
  }

  async #read(more = false) {
    const { id, filters, cursor, rows } = this.#state.open;
    this.#asked += 1;
    const asked = this.#asked;
    try {
      const answer = await get(`/api/scans/${id}/findings?${findingsQuery(filters, { limit: this.#limit, cursor: more ? cursor : "" })}`);
      if (asked !== this.#asked || this.#state.open?.id !== id) return;
      const found = more ? [...rows, ...answer.findings] : answer.findings;
      this.#patch({ open: { ...this.#state.open, rows: found, total: answer.total, cursor: answer.next_cursor, asking: false, problem: null } });
      this.#data((held) => takeScan(held, answer.scan, this.#app.session.now(), { counted: true }));
    } catch (refusal) {
      if (asked !== this.#asked || this.#state.open?.id !== id) return;
      this.#patch({ open: { ...this.#state.open, asking: false, problem: this.#problem(refusal, "The findings were not loaded") } });
    }
  }

  #progress(payload) {
    const known = this.#state.data.scans.some(({ id }) => id === payload.scan_id);
    this.#data((held) => takeProgress(held, payload, this.#app.session.now()));
    if (!known && this.#state.data.loaded && !this.#state.asking) this.ask(); // begun in another tab
  }

  #result(scan) {
    this.#data((held) => takeScan(held, scan, this.#app.session.now()));
    if (this.#state.open?.id !== scan.id) return;
    if (scan.status === "deleted") this.#app.view.set({ scan: "" });
    else this.open(scan.id, this.#state.open.filters);
  }

  async #act(action, what) {
    try {
      return await action();
    } catch (refusal) {
      this.#app.toasts.problem(this.#problem(refusal, what));
      return null;
    }
  }

  #upload(key, changes) {
    this.#patch({ uploads: this.#state.uploads.map((one) => (one.key === key ? { ...one, ...changes } : one)) });
  }

  #problem(refusal, what) {
    if (refusal instanceof Error) throw refusal;
    return refusal ? toProblem(refusal, this.#app.session.now()) : lostProblem(what);
  }

  #data(change) {
    for (const since of this.#since) since.push(change);
    this.#app.store.update("scans", (state) => ({ ...state, data: change(state.data) }));
  }

  #patch(changes) {
    this.#app.store.update("scans", (state) => ({ ...state, ...changes }));
  }
}
