/** The frame of a panel: state, problem, body, ledger. The markup is in templates/panels/frame.html. */

import { ledgerParts, ledgerRow } from "../logic/ledger.js";
import { sentences } from "../logic/problems.js";
import { inText } from "../logic/time.js";
import { html, nothing, render } from "./html.js";

/** States whose coming and going is spoken; live and ageing take turns too often for that. */
const SPOKEN = new Set(["stale", "partial", "error"]);

export class Frame {
  #section;
  #title;
  #announce;
  #cleared = new Set();
  #state = null;
  #told = null;

  /**
   * @param {HTMLElement} section the panel
   * @param {function(string): void} announce speaks a change of state
   */
  constructor(section, announce) {
    this.#section = section;
    this.#announce = announce;
    this.#title = section.querySelector(".panel__title").textContent.trim();
  }

  /** The server put something better than a skeleton into the body, and it is still there. */
  get prefilled() {
    return "prefilled" in this.#section.dataset && !this.#cleared.has("body");
  }

  part(name) {
    return this.#section.querySelector(`[data-part="${name}"]`);
  }

  /** Draw into a part, in place of what the server put there. Who is in it with the keyboard is not thrown out. */
  draw(name, template) {
    const part = this.part(name);
    const focused = part.contains(document.activeElement) ? document.activeElement : null;
    if (!this.#cleared.has(name)) part.replaceChildren();
    this.#cleared.add(name);
    render(template, part);
    // a row that is moved loses the focus; one that is gone gives it to its panel
    if (focused && document.activeElement !== focused) (focused.isConnected ? focused : this.#section).focus({ preventScroll: true });
  }

  /** Show what may be claimed about the data; see logic/freshness.js. */
  state({ state, label, detail }) {
    if (this.#section.dataset.state !== state) this.#section.dataset.state = state;
    if (this.#state !== state && (SPOKEN.has(state) || SPOKEN.has(this.#state))) this.#announce(`${this.#title}: ${label}`);
    this.#state = state;
    this.draw("state", html`<span class="state state--${state}">${label}
      ${detail ? html`<span class="state__detail">${detail}</span>` : nothing}</span>`);
  }

  /** Show a problem with its way out, or nothing. `calm` says that older data is still shown below. */
  problem(problem, { now, retry, calm = false }) {
    if (problem && problem.title !== this.#told) this.#announce(`${this.#title}: ${problem.title}`);
    this.#told = problem?.title ?? null;
    this.draw("notice", problem ? problemTemplate(problem, now, retry, calm) : nothing);
  }

  /** Show which sources stand behind the data. `extra` goes first in the line. */
  ledger(sources, now, extra = []) {
    const parts = [...extra, ...ledgerParts(sources, now)];
    if (!parts.length) return this.draw("ledger", nothing);
    const line = parts.map((part) => html`<span class="ledger__part">${part}</span>`);
    if (!sources?.length) return this.draw("ledger", html`<div class="ledger"><div class="ledger__line">${line}</div></div>`);
    return this.draw("ledger", html`<details class="ledger"><summary>${line}</summary>
      <div class="ledger__rows">${sources.map((source) => ledgerTemplate(ledgerRow(source, now)))}</div></details>`);
  }
}

const TONES = { live: "ok", stale: "stale", error: "bad", loading: "info" };

function ledgerTemplate(row) {
  return html`<div class="ledger__row">
    <div class="ledger__head"><b>${row.title}</b><span class="tag tone--${TONES[row.status] ?? "off"}">${row.word}</span>
      <span>${row.when}</span>${row.records ? html`<span>${row.records.toLocaleString("en-US")} records</span>` : nothing}
      ${row.breaker ? html`<span>circuit ${row.breaker}</span>` : nothing}${row.next ? html`<span>${row.next}</span>` : nothing}
    </div>
    ${row.error ? html`<p>${row.error}</p>` : nothing}${row.suggestion ? html`<p>${row.suggestion}</p>` : nothing}
  </div>`;
}

/** A problem as a strip: what happened, what to do, retry, id. */
export function problemTemplate(problem, now, retry, calm = false) {
  const wait = problem.retryAt !== null && problem.retryAt > now ? `${problem.automatic ? "Next try" : "Try again"} ${inText(problem.retryAt, now)}` : "";
  const text = sentences(problem.message, problem.suggestion, wait);
  return html`<div class="problem ${calm ? "problem--stale" : ""}">
    <span class="problem__title">${problem.title}</span>
    ${text ? html`<span class="problem__text">${text}</span>` : nothing}
    ${retry ? html`<button class="button button--small" @click=${retry}>Retry now</button>` : nothing}
    ${problem.id ? html`<span class="problem__more">Error id <code>${problem.id}</code></span>` : nothing}
  </div>`;
}
