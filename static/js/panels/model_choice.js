/** Which language model answers the questions to come. Shown where there is a choice; the choice stays in this browser. */

import { html, nothing, render } from "../dom/html.js";
import { chosenModel, modelNote } from "../logic/models.js";
import { agoText, parseTime } from "../logic/time.js";
import { get } from "../net/rest.js";

const KEY = "jupiter.model";

export class ModelChoice {
  #app;
  #root;
  #choose;
  #list = null;
  #asked = false;

  constructor(app, root, choose) {
    this.#app = app;
    this.#root = root;
    this.#choose = choose;
    app.session.on("synced", () => this.#load());
  }

  async #load() {
    if (this.#app.role === "viewer" || (this.#asked && !this.#list?.stale)) return;
    this.#asked = true;
    try {
      this.#list = await get("/api/chat/models");
    } catch {
      this.#asked = false; // the chat answers without a choice; the next connection asks again
      return;
    }
    this.#choose(this.#current());
    this.#draw();
  }

  #current() {
    return chosenModel(this.#list, read());
  }

  #draw() {
    const { models, default: usual, as_of: asOf } = this.#list;
    if (models.length < 2) return render(nothing, this.#root);
    const current = this.#current() || usual;
    const at = parseTime(asOf);
    const age = at === null ? "" : `Listed ${agoText(at, this.#app.session.now())}`;
    render(html`<label class="chat__model" title=${modelNote(this.#list, age)}><span>Model</span>
      <select class="input" @change=${(event) => this.#take(event.target.value)}>${models.map(
        (name) => html`<option value=${name} ?selected=${name === current}>${name}${name === usual ? " (default)" : ""}</option>`,
      )}</select></label>`, this.#root);
  }

  #take(name) {
    const chosen = name === this.#list.default ? "" : name;
    write(chosen);
    this.#choose(chosen);
    this.#draw();
  }
}

function read() {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

function write(name) {
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // without storage the choice lives as long as the page
  }
}
