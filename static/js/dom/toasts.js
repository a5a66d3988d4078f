/** Short messages about passing problems, in the corner. They wait while the pointer or the focus is on them. */

import { sentences } from "../logic/problems.js";
import { html, nothing, render, repeat } from "./html.js";

const MOST = 4;
const SHOWN_MS = { info: 6000, success: 5000, warning: 9000, error: 12_000 };
const WORDS = { info: "Note", success: "Done", warning: "Warning", error: "Error" };

export class Toasts {
  #root;
  #shown = [];
  #number = 0;
  #held = false;

  constructor(parent = document.body) {
    this.#root = document.createElement("div");
    this.#root.className = "toasts";
    this.#root.setAttribute("role", "region");
    this.#root.setAttribute("aria-label", "Messages");
    parent.append(this.#root);
    for (const event of ["pointerenter", "focusin"]) this.#root.addEventListener(event, () => (this.#held = true));
    for (const event of ["pointerleave", "focusout"]) this.#root.addEventListener(event, () => (this.#held = false));
    setInterval(() => this.#expire(), 500);
  }

  /**
   * Show a message; one with the same text is shown once, with its count.
   *
   * @param {{level: "info"|"success"|"warning"|"error", message: string, id?: string}} toast
   */
  show({ level = "info", message, id = "" }) {
    const same = this.#shown.find((toast) => toast.message === message && toast.level === level);
    const ends = Date.now() + (SHOWN_MS[level] ?? SHOWN_MS.info);
    if (same) Object.assign(same, { ends, id, count: same.count + 1 });
    else this.#shown.push({ key: (this.#number += 1), level, message, id, ends, count: 1 });
    this.#shown = this.#shown.slice(-MOST);
    this.#draw();
  }

  /** Show a problem of logic/problems.js. */
  problem({ title, message, suggestion, id }) {
    this.show({ level: "error", message: sentences(title, message, suggestion), id });
  }

  #expire() {
    if (this.#held) return;
    const left = this.#shown.filter((toast) => toast.ends > Date.now());
    if (left.length === this.#shown.length) return;
    this.#shown = left;
    this.#draw();
  }

  #dismiss(key) {
    this.#shown = this.#shown.filter((toast) => toast.key !== key);
    this.#held = false;
    this.#draw();
  }

  #draw() {
    render(repeat(this.#shown, (toast) => toast.key, (toast) => this.#toast(toast)), this.#root);
  }

  #toast({ key, level, message, id, count }) {
    return html`<div class="toast toast--${level}" role=${level === "error" ? "alert" : "status"}>
      <p><b>${WORDS[level] ?? WORDS.info}</b> ${message}${count > 1 ? html` <span class="faint">(${count} times)</span>` : nothing}
      ${id ? html`<br><span class="faint">Error id <code>${id}</code></span>` : nothing}</p>
      <button class="button button--quiet button--small" @click=${() => this.#dismiss(key)}>Dismiss</button>
    </div>`;
  }
}
