/** Where questions are written. The text stays until the server has taken it, also over a reload. */

import { html, nothing, render } from "../dom/html.js";
import { problemTemplate } from "../dom/frame.js";

const KEY = "jupiter.draft";
const LONGEST = 4000;

export class Writer {
  #root;
  #app;
  #send;
  #stop;
  #answering = false;
  #connected = false;
  #refused = null;

  constructor(root, app, { send, stop }) {
    this.#root = root;
    this.#app = app;
    this.#send = send;
    this.#stop = stop;
    /** A viewer may read conversations, not ask. */
    this.allowed = app.role !== "viewer";
    this.#render();
    if (this.allowed) this.#write(sessionStorage.getItem(KEY) ?? "");
  }

  /** Follow the conversation. `refusal` {text, problem} is taken back into the field. */
  draw({ answering, refusal, taken }) {
    this.#answering = answering;
    if (refusal && this.allowed) {
      this.#refused = refusal.problem;
      if (!this.#field.value.trim()) this.#write(refusal.text);
      this.#app.announce.say(refusal.problem.title);
      taken();
    }
    this.#render();
  }

  connected(connected) {
    if (this.#connected === connected) return;
    this.#connected = connected;
    this.#render();
  }

  get #field() {
    return this.#root.querySelector("textarea");
  }

  #render() {
    render(this.allowed ? this.#form() : html`<p class="chat__hint">Your role allows reading only. Asking needs the role analyst.</p>`, this.#root);
  }

  #form() {
    const button = this.#answering
      ? html`<button type="button" class="button" @click=${() => this.#stop()}>Stop</button>`
      : html`<button class="button button--primary" ?disabled=${!this.#connected}>Send</button>`;
    return html`${this.#refused ? problemTemplate(this.#refused, this.#app.session.now(), null) : nothing}
      <form class="chat__form" @submit=${(event) => this.#submit(event)}>
        <textarea class="input" rows="1" maxlength=${LONGEST} aria-label="Your question" placeholder="Ask Jupiter…"
          @input=${() => this.#typed()} @keydown=${(event) => this.#key(event)}></textarea>${button}
      </form>
      ${this.#connected ? nothing : html`<p class="chat__hint">Not connected. What you write stays here until it can be sent.</p>`}`;
  }

  #key(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this.#submit(event);
  }

  #submit(event) {
    event.preventDefault();
    const text = this.#field.value.trim();
    if (!text || this.#answering || !this.#send(text)) return;
    this.#refused = null;
    this.#write("");
    this.#render();
  }

  #typed() {
    this.#keep(this.#field.value);
    this.#grow();
  }

  #write(text) {
    this.#field.value = text;
    this.#keep(text);
    this.#grow();
  }

  #keep(text) {
    try {
      sessionStorage.setItem(KEY, text);
    } catch {
      // without storage the text lives as long as the page
    }
  }

  #grow() {
    this.#field.style.height = "auto";
    this.#field.style.height = `${Math.min(this.#field.scrollHeight + 2, 160)}px`;
  }
}
