/** One message of the chat. */

import { html, nothing } from "../dom/html.js";
import { problemTemplate } from "../dom/frame.js";
import { proseTemplate } from "../dom/prose.js";
import { sentences } from "../logic/problems.js";
import { agoText, parseTime } from "../logic/time.js";
import { reference } from "./threat_row.js";

/** Sources named at once; the others open on demand. */
const SOURCES_SHOWN = 3;
const NOTES = {
  stopped: "Stopped.",
  failed: "Answered from local data: the model gave no answer.",
  truncated: "Cut off at the longest length; there may be more to say.",
  incomplete: "Broke off before its end: what stands here is not the whole answer.",
  interrupted: "Broken off when the server stopped: what stands here is not the whole answer.",
};
/** Answers whose question is worth asking again. */
const UNFINISHED = new Set(["failed", "interrupted", "incomplete", "stopped"]);

/**
 * @param {object} message see logic/chat.js
 * @param {{now: number, again: function|null, resend: function, last: object}} actions again: ask its question again
 */
export function messageTemplate(message, actions) {
  return message.role === "user" ? question(message, actions) : answer(message, actions);
}

function question({ text, status, clientId }, { resend }) {
  return html`<li class="message message--user"><span class="unseen">You asked:</span><p class="message__text">${text}</p>
    ${status === "sending" ? html`<span class="message__meta">Sending…</span>` : nothing}
    ${status === "unconfirmed"
      ? html`<span class="message__meta message__meta--warn">Not confirmed yet. It is sent again when the connection is back.
          <button class="button button--small" @click=${() => resend(clientId)}>Send again</button></span>`
      : nothing}</li>`;
}

function answer(message, { now, again, last }) {
  const { status, text, degraded, problem } = message;
  const open = UNFINISHED.has(status) || (degraded && message.id === last?.id);
  return html`<li class="message message--answer" data-status=${status}>
    <span class="unseen">Jupiter answered:</span>
    ${status === "thinking" ? html`<p class="thinking"><i></i><i></i><i></i><span>Thinking</span></p>` : nothing}
    ${problem ? problemTemplate(problem, now, null) : nothing}
    ${text ? proseTemplate(text, message.unknownIds) : nothing}
    ${status === "streaming" ? html`<span class="message__cursor" aria-hidden="true"></span>` : nothing}
    ${degraded ? degradation(message) : nothing}
    ${NOTES[status] && !problem ? html`<p class="message__meta">${NOTES[status]}</p>` : nothing}
    ${message.notice ? html`<p class="message__meta message__meta--warn">${message.notice}</p>` : nothing}
    ${message.unknownIds?.length
      ? html`<p class="message__meta message__meta--warn">Not in any source, check before you rely on it: ${message.unknownIds.join(", ")}</p>`
      : nothing}
    ${open && again ? html`<button class="button button--small message__again" @click=${again}>Retry</button>` : nothing}
    ${message.sources?.length ? sources(message.sources, now) : nothing}
  </li>`;
}

function degradation({ reason }) {
  return html`<div class="message__degraded"><span class="tag tone--warn">Degraded</span>
    <span>Answered from local data, without the model.${reason ? ` ${sentences(reason.message, reason.suggestion)}` : nothing}</span></div>`;
}

function sources(list, now) {
  const rest = list.slice(SOURCES_SHOWN);
  return html`<div class="message__sources"><span>Sources</span><ul>${list.slice(0, SOURCES_SHOWN).map((one) => source(one, now))}</ul>
    ${rest.length ? html`<details><summary>${rest.length} more</summary><ul>${rest.map((one) => source(one, now))}</ul></details>` : nothing}</div>`;
}

function source({ id, title, url, as_of: asOf }, now) {
  const at = parseTime(asOf);
  // the id of a record is worth reading, the name of a part of this server is not
  const name = /\d/.test(id) && title !== id ? `${id} ${title}` : title;
  return html`<li>${url ? reference(url, name) : name}${at === null ? nothing : html` <span class="faint">${agoText(at, now)}</span>`}</li>`;
}
