/** The list of conversations, in place of the messages while it is open. */

import { blank } from "../dom/blank.js";
import { askText, confirmAction } from "../dom/dialog.js";
import { html, live, nothing, render, repeat } from "../dom/html.js";
import { listQuery } from "../logic/conversations.js";
import { lostProblem, toProblem } from "../logic/problems.js";
import { agoText, parseTime } from "../logic/time.js";
import { get, patch, remove } from "../net/rest.js";

/** Pause after the last letter before a search is asked for. */
const TYPING_MS = 250;

export class Conversations {
  #app;
  #frame;
  #open;
  #current = "";
  #shown = false;
  #state = { rows: null, words: "", cursor: null, failed: false };
  #words = "";
  #round = 0;
  #typing = null;

  constructor(app, frame, open) {
    this.#app = app;
    this.#frame = frame;
    this.#open = open;
    this.#drawTools();
  }

  /** Follow the conversation that is open. */
  draw(current) {
    if (current !== this.#current) this.#current = current;
    this.#drawTools();
  }

  #drawTools() {
    this.#frame.draw("tools", html`
      <button class="button button--quiet button--small" aria-expanded=${this.#shown} @click=${() => this.#toggle(!this.#shown)}>
        ${this.#shown ? "Back" : "History"}</button>
      <button class="button button--small" ?disabled=${!this.#current && !this.#shown} @click=${() => this.#choose("")}>New chat</button>`);
  }

  async #toggle(shown) {
    this.#shown = shown;
    this.#frame.part("list").hidden = !shown;
    for (const name of ["scroll", "writer", "models"]) this.#frame.part(name).hidden = shown;
    this.#drawTools();
    if (!shown) return;
    this.#drawList();
    await this.#load();
    this.#frame.part("list").querySelector("input")?.focus();
  }

  #typed(words) {
    this.#words = words;
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.#load(), TYPING_MS);
  }

  async #load(cursor = null) {
    this.#round += 1;
    const round = this.#round;
    const words = this.#words.trim();
    const loaded = await this.#guarded("The conversations were not loaded", async () => {
      const page = await get(`/api/conversations${listQuery(words, cursor)}`);
      if (round !== this.#round) return; // what was typed since is asked for by itself
      const rows = cursor ? [...this.#state.rows, ...page.conversations] : page.conversations;
      this.#state = { rows: rows.slice(0, 500), words, cursor: page.next_cursor };
    });
    if (round !== this.#round) return;
    this.#state.failed = !loaded;
    this.#drawList();
  }

  #choose(id) {
    this.#toggle(false);
    this.#open(id);
  }

  async #rename({ id, title }) {
    const wanted = await askText({ title: "Rename conversation", label: "Title", value: title, action: "Rename", maxlength: 120 });
    if (wanted) await this.#guarded("It was not renamed", () => patch(`/api/conversations/${id}`, { title: wanted }));
    if (wanted) await this.#load();
  }

  async #delete({ id, title }) {
    const sure = await confirmAction({ title: "Delete conversation?", text: `“${title}” and its messages are deleted for good.`, action: "Delete", danger: true });
    if (!sure) return;
    await this.#guarded("It was not deleted", () => remove(`/api/conversations/${id}`));
    if (id === this.#current) this.#open("");
    await this.#load();
  }

  /** Resolves with whether it was done. */
  async #guarded(what, action) {
    try {
      await action();
      return true;
    } catch (refusal) {
      if (refusal instanceof Error) throw refusal;
      this.#app.toasts.problem(refusal ? toProblem(refusal, this.#app.session.now()) : lostProblem(what));
      return false;
    }
  }

  #drawList() {
    render(this.#template(), this.#frame.part("list"));
  }

  #template() {
    const { rows, words, cursor, failed } = this.#state;
    const again = html`<button class="button" @click=${() => this.#load()}>Try again</button>`;
    const none = failed ? blank("Not loaded", "The conversations could not be read.", again) : blank("Conversations", "Loading…");
    return html`<div class="conversations__search"><input class="input" type="search" maxlength="200" aria-label="Search conversations"
        placeholder="Search titles and messages" .value=${live(this.#words)} @input=${(event) => this.#typed(event.target.value)}></div>
      ${rows ? this.#found(rows, words, cursor) : none}`;
  }

  #found(rows, words, cursor) {
    if (!rows.length && words) return blank("Nothing found", `No title and no message has all the words of “${words}”.`);
    if (!rows.length) return blank("No conversations yet", "They appear here once you have asked something.");
    return html`<ul class="conversations" aria-label="Conversations">${repeat(rows, ({ id }) => id, (row) => this.#row(row))}</ul>
      ${cursor ? html`<button class="button button--small" @click=${() => this.#load(cursor)}>Load more</button>` : nothing}`;
  }

  #row(row) {
    const at = parseTime(row.updated_at);
    return html`<li class="conversation">
      <button class="conversation__open" aria-current=${row.id === this.#current ? "true" : "false"} @click=${() => this.#choose(row.id)}>
        <span>${row.title}</span>${row.match ? html`<span class="conversation__match">${row.match.excerpt}</span>` : nothing}<span class="faint">${at === null ? "" : agoText(at, this.#app.session.now())}${row.saved === false ? " · not saved yet" : ""}</span></button>
      <a class="button button--quiet button--small" href="/api/conversations/${row.id}/export" download aria-label="Export ${row.title}">Export</a>
      <button class="button button--quiet button--small" @click=${() => this.#rename(row)}>Rename</button>
      <button class="button button--quiet button--small" @click=${() => this.#delete(row)}>Delete</button>
    </li>`;
  }
}
