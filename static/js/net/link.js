/**
 * The live connection: one socket, watched, and opened again when it fails.
 *
 * The library's own reconnection is off: here the next try is known (the page counts down to it), it can be made at once
 * (on focus, when the machine comes online, by hand), and a silent peer is found in 13 s instead of the 45 s of pings.
 */

import { io } from "../../vendor/socket.io-client/socket.io.esm.min.js";
import { PROBE_SECONDS, QUIET_SECONDS, retryDelay } from "../logic/connection.js";

const ACK_MS = 10_000;
/** Milliseconds that one try may take. */
const CONNECT_MS = 5000;
/**
 * Websocket first; every second try polling first, for networks that swallow websockets. A server of several processes
 * takes websockets only, since the requests of polling would reach a different one each time; its pages say so.
 */
const WAYS = websocketOnly() ? [["websocket"]] : [["websocket", "polling"], ["polling", "websocket"]];

export class Link {
  #socket;
  #attempt = 0;
  #retryTimer = null;
  #probing = false;
  #listeners = { event: [], up: [], change: [], refused: [] };

  /** What the connection pill shows; see logic/connection.js. Times are local milliseconds. */
  state = { phase: "connecting", since: Date.now(), heardAt: null, nextTryAt: null, online: navigator.onLine };

  constructor(connect = io) {
    this.#socket = connect({
      transports: WAYS[0],
      reconnection: false,
      timeout: CONNECT_MS,
      autoConnect: false,
    });
    this.#socket.on("connect", () => this.#up());
    this.#socket.on("disconnect", () => this.#down());
    this.#socket.on("connect_error", (error) => this.#failed(error));
    this.#socket.onAny((event, payload) => this.#tell("event", { event, payload }));
  }

  /** Open the connection and begin to watch it. */
  start() {
    this.#open();
    setInterval(() => this.#watch(), 1000);
    window.addEventListener("online", () => this.#setOnline(true));
    window.addEventListener("offline", () => this.#setOnline(false));
    document.addEventListener("visibilitychange", () => document.hidden || this.#look());
    window.addEventListener("pageshow", (shown) => shown.persisted && this.#look());
  }

  /** Call `listener` for: "event" {event, payload}; "up"; "change"; "refused" (the login is no longer good). */
  on(kind, listener) {
    this.#listeners[kind].push(listener);
  }

  get connected() {
    return this.state.phase === "live";
  }

  /**
   * Send an event and wait for its ack.
   *
   * @returns {Promise<*>} the ack's data
   * @throws {object} the standard error body; undefined where no ack came in time
   */
  async send(event, payload, timeout = ACK_MS) {
    if (!this.#socket.connected) throw undefined;
    let ack;
    try {
      ack = await this.#socket.timeout(timeout).emitWithAck(event, payload);
    } catch {
      throw undefined;
    }
    this.#heard();
    if (ack?.ok) return ack.data;
    if (ack?.error?.error_code === "AUTH_FAILED") this.#tell("refused");
    throw ack?.error ?? {};
  }

  /** Try at once instead of at the end of the countdown, and in place of a try that hangs. */
  tryNow() {
    if (this.#socket.connected) return;
    this.#socket.disconnect();
    this.#attempt = 0;
    this.#open();
  }

  #up() {
    this.#attempt = 0;
    const engine = this.#socket.io.engine;
    engine.on("packet", () => this.#heard());
    this.#heard();
    this.#set({ phase: "live", since: Date.now(), nextTryAt: null });
    this.#tell("up");
  }

  #down() {
    if (this.state.phase === "live") this.#set({ phase: "reconnecting", since: Date.now() });
    this.#schedule();
  }

  #failed(error) {
    if (error?.data?.error_code === "AUTH_FAILED") {
      this.#tell("refused");
      return;
    }
    this.#down();
  }

  #schedule() {
    clearTimeout(this.#retryTimer);
    const wait = retryDelay(this.#attempt) * 1000;
    this.#attempt += 1;
    this.#set({ nextTryAt: Date.now() + wait });
    this.#retryTimer = setTimeout(() => this.#open(), wait);
  }

  #open() {
    clearTimeout(this.#retryTimer);
    this.#set({ nextTryAt: null });
    this.#socket.io.opts.transports = WAYS[this.#attempt % WAYS.length];
    this.#socket.connect();
  }

  /** Once a second: a peer that has been silent too long is asked; one that does not answer is dead. */
  #watch() {
    if (!this.connected || this.#probing) return;
    // the clock of the wall, since the other one may stand still while the machine sleeps; it may be set back, too
    if (Math.abs(Date.now() - this.state.heardAt) > QUIET_SECONDS * 1000) this.#probe();
  }

  /** On focus, or after sleep: timers were slow, so look now. */
  #look() {
    if (!this.connected) this.tryNow();
    else if (Date.now() - this.state.heardAt > 2000) this.#probe(3);
  }

  async #probe(seconds = PROBE_SECONDS) {
    this.#probing = true;
    const engine = this.#socket.io.engine;
    const began = Date.now();
    try {
      await this.send("sync", {}, seconds * 1000);
    } catch (refusal) {
      const silent = refusal === undefined && this.state.heardAt < began;
      if (silent && this.#socket.io.engine === engine) engine.close();
    } finally {
      this.#probing = false;
    }
  }

  #heard() {
    this.state.heardAt = Date.now();
  }

  #setOnline(online) {
    this.#set({ online });
    if (online) this.#look();
    else if (this.connected) this.#probe(2);
  }

  #set(changes) {
    this.state = { ...this.state, ...changes };
    this.#tell("change");
  }

  #tell(kind, detail) {
    for (const listener of this.#listeners[kind]) listener(detail);
  }
}

function websocketOnly() {
  return document.querySelector('meta[name="jupiter-transports"]')?.content === "websocket";
}
