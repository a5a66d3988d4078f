/** The conversation that is open: sends, receives, resumes. Keeps its state in the store under "chat". */

import * as chat from "../logic/chat.js";
import { lostProblem, toProblem } from "../logic/problems.js";
import { randomId } from "./ids.js";
import { Outbox } from "./outbox.js";

const EMPTY = { id: "", messages: [], loading: false, ready: false, problem: null, notice: "", refusal: null, model: "" };

export class Conversation {
  #app;
  #outbox;

  constructor(app, outbox = new Outbox()) {
    this.#app = app;
    this.#outbox = outbox;
    this.#begin(app.view.get().conversation);
    this.#listen();
  }

  get #state() {
    return this.#app.store.get("chat");
  }

  /** Open a conversation by its id; "" begins a new one with the next question. */
  open(id) {
    if (id === this.#state.id) return;
    this.#begin(id);
    this.#app.view.set({ conversation: id });
    this.load();
  }

  /** A fresh page of a conversation, with the questions in it that the server has not confirmed. */
  #begin(id) {
    const waiting = this.#outbox.all().filter((item) => item.conversation === id);
    const messages = waiting.reduce((list, { clientId, text }) => {
      return chat.unconfirmed(chat.ask(list, { clientId, text, at: null }), clientId);
    }, []);
    const { ready = false, model = "" } = this.#state ?? {};
    this.#app.store.set("chat", { ...EMPTY, id, messages, ready, model });
  }

  /** Read the conversation from the server. */
  async load() {
    const { id, messages: before } = this.#state;
    if (!id || !this.#app.session.connected) return;
    this.#patch({ loading: true });
    try {
      const answer = await this.#app.session.send("chat_history", { conversation_id: id });
      if (id !== this.#state.id) return;
      const messages = chat.history(this.#state.messages, answer.messages, before);
      this.#patch({ messages, loading: false, problem: null, notice: answer.notice ?? "" });
    } catch (refusal) {
      if (id === this.#state.id) this.#patch({ loading: false, problem: this.#problem(refusal, "The conversation was not loaded") });
    }
  }

  /**
   * Ask a question.
   *
   * @returns {boolean} false when there is no connection; then nothing was taken
   */
  ask(text) {
    if (!this.#app.session.connected) return false;
    const clientId = randomId();
    const at = new Date(this.#app.session.now()).toISOString();
    this.#patch({ messages: chat.ask(this.#state.messages, { clientId, text, at }), refusal: null });
    const { model } = this.#state;
    this.#outbox.add({ clientId, text, conversation: this.#state.id, ...(model ? { model } : {}) });
    this.#send(this.#outbox.get(clientId));
    return true;
  }

  /** Ask the question of an answer again. However often this is called for one answer, the server asks once more only. */
  async retry(answerId) {
    if (!this.#app.session.connected) return this.#app.toasts.problem(lostProblem("It was not asked again"));
    const { model } = this.#state;
    try {
      const ids = await this.#app.session.send("chat_retry", { message_id: answerId, ...(model ? { model } : {}) });
      if (ids.conversation_id === this.#state.id) this.#patch({ messages: chat.askedAgain(this.#state.messages, ids) });
    } catch (refusal) {
      this.#app.toasts.problem(this.#problem(refusal, "It was not asked again"));
    }
  }

  /** Choose the model of the questions to come; "" for the one that is set. */
  choose(model) {
    this.#patch({ model });
  }

  /** Stop the answer that is being made. */
  async stop() {
    const answer = chat.running(this.#state.messages);
    if (!answer) return;
    try {
      await this.#app.session.send("chat_stop", { message_id: answer.id });
    } catch (refusal) {
      this.#app.toasts.problem(this.#problem(refusal, "The answer was not stopped"));
    }
  }

  /** Send a question again that was not confirmed. */
  resend(clientId) {
    const waiting = this.#outbox.get(clientId);
    if (waiting && this.#app.session.connected) this.#send(waiting);
  }

  /** The refused text was taken back by the writer. */
  refusalTaken() {
    this.#patch({ refusal: null });
  }

  /** The same client id again: the server answers what it has executed, so nothing is asked twice. */
  async #send({ clientId, text, conversation, model }) {
    try {
      const ids = await this.#app.session.send("chat_message", {
        message: text,
        client_message_id: clientId,
        ...(conversation ? { conversation_id: conversation } : {}),
        ...(model ? { model } : {}),
      });
      this.#outbox.remove(clientId);
      this.#take(clientId, ids);
    } catch (refusal) {
      if (refusal === undefined) return this.#patch({ messages: chat.unconfirmed(this.#state.messages, clientId) });
      this.#outbox.remove(clientId);
      this.#patch({
        messages: chat.refused(this.#state.messages, clientId),
        refusal: { text, problem: this.#problem(refusal) },
      });
    }
  }

  #take(clientId, ids) {
    const own = this.#state.messages.some((message) => message.clientId === clientId);
    if (!own) return;
    if (!this.#state.id) this.#adopt(ids.conversation_id);
    this.#patch({ messages: chat.accepted(this.#state.messages, clientId, ids) });
    this.#outbox.adopt(ids.conversation_id);
  }

  /** The first question of a new conversation gave it its id. */
  #adopt(id) {
    this.#patch({ id });
    this.#app.view.set({ conversation: id });
  }

  #listen() {
    const { session, store } = this.#app;
    session.on("chat_thinking", (payload) => {
      const own = this.#state.messages.some((message) => message.clientId === payload.client_message_id);
      if (own && !this.#state.id) this.#adopt(payload.conversation_id);
      this.#here(payload, (messages) => chat.thinking(messages, payload));
    });
    session.on("chat_delta", (payload) => this.#here(payload, (messages) => this.#grow(messages, payload)));
    session.on("chat_response", (payload) => this.#here(payload, (messages) => chat.response(messages, payload)));
    session.on("chat_error", (payload) => {
      const problem = toProblem(payload, session.now());
      this.#here(payload, (messages) => chat.failure(messages, payload, problem));
    });
    session.on("gap", ({ stream }) => stream === "chat" && this.load());
    session.on("synced", () => this.#resume());
    store.watch(["view"], (_, view) => this.open(view.conversation));
  }

  /** After each connection: read what is there, and settle what was not confirmed. */
  #resume() {
    const unread = this.#state.messages.every(({ status }) => status === "sending" || status === "unconfirmed");
    if (unread || chat.running(this.#state.messages)) this.load();
    this.#patch({ ready: true });
    for (const pending of this.#outbox.all()) this.#send(pending);
  }

  #grow(messages, payload) {
    const grown = chat.delta(messages, payload);
    if (grown.hole) this.load();
    return grown.messages;
  }

  #here(payload, change) {
    if (payload.conversation_id !== this.#state.id) return;
    this.#patch({ messages: change(this.#state.messages) });
  }

  #problem(refusal, what = "No answer") {
    return refusal ? toProblem(refusal, this.#app.session.now()) : lostProblem(what);
  }

  #patch(changes) {
    this.#app.store.update("chat", (state) => ({ ...state, ...changes }));
  }
}
