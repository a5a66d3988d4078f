/** Speaks to screen readers, politely: what comes within a second is said together, and the same is not said twice. */

const GATHER_MS = 1000;

export class Announcer {
  #region;
  #waiting = [];
  #timer = null;

  constructor(parent = document.body) {
    this.#region = document.createElement("div");
    this.#region.className = "unseen";
    this.#region.setAttribute("role", "status");
    this.#region.setAttribute("aria-live", "polite");
    parent.append(this.#region);
  }

  /** Say a short sentence soon. */
  say(text) {
    if (!this.#waiting.includes(text)) this.#waiting.push(text);
    this.#timer ??= setTimeout(() => this.#speak(), GATHER_MS);
  }

  #speak() {
    this.#timer = null;
    this.#region.textContent = this.#waiting.slice(-5).join(". ");
    this.#waiting = [];
  }
}
