/** What stands in a panel that has no rows: why, and what to do. */

import { html, nothing } from "./html.js";

const DEMO_COMMAND = "python run.py demo";

/** Nothing here, with a reason and perhaps a way on. */
export function blank(title, text, action = nothing) {
  return html`<div class="blank"><strong>${title}</strong><span>${text}</span>${action}</div>`;
}

/** Nothing is set up: the settings to set, and the demo. */
export function setupBlank(sources, settings) {
  const hints = sources.map((source) => source.suggestion).filter(Boolean);
  return html`<div class="blank"><strong>Not set up</strong>
    ${hints.length
      ? html`<ul>${[...new Set(hints)].map((hint) => html`<li>${hint}</li>`)}</ul>`
      : html`<span>Set ${settings.map((name, index) => html`${index ? " or " : ""}<code>${name}</code>`)} and start again.</span>`}
    <span>To look around without any set-up, run <code>${DEMO_COMMAND}</code>.</span></div>`;
}

/** Grey rows until the first answer. `text` says that it is still awaited. */
export function skeleton(rows, text) {
  return html`<div class="skeleton"><span class="faint">${text}</span>
    ${Array.from({ length: rows }, () => html`<div class="skeleton__row" aria-hidden="true"><i></i><i></i></div>`)}</div>`;
}

/** A line that moves along the top edge while the server works on a question. */
export function working(asking) {
  return asking ? html`<div class="panel__work" aria-hidden="true"></div>` : nothing;
}
