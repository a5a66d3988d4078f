/** Writes that wait for the database, and those that it has refused. */

import { blank, skeleton } from "../dom/blank.js";
import { confirmAction } from "../dom/dialog.js";
import { html, nothing, repeat } from "../dom/html.js";
import { waitingText } from "../logic/freshness.js";
import { outboxRow, sizeText, takeOutbox } from "../logic/outbox.js";
import { lostProblem, toProblem } from "../logic/problems.js";
import { agoText, numberText } from "../logic/time.js";
import { post } from "../net/rest.js";
import { Poll } from "../state/poll.js";
import { mountPanel } from "./panel.js";

const EVERY_MS = 4000;

export function mountOutbox(app) {
  const { session } = app;
  const poll = new Poll(app, { name: "outbox", path: "/api/outbox?limit=100", every: EVERY_MS, take: takeOutbox });
  mountPanel(app, {
    name: "outbox",
    retry: () => poll.ask(),
    facts: (data) => ({ ...data, loaded: true, count: data.entries.length, partial: data.aside > 0 }),
    body,
  });

  async function act(entry, verb, done) {
    try {
      await post(`/api/outbox/${entry.id}/${verb}`);
      app.toasts.show({ level: "success", message: done });
    } catch (refusal) {
      if (refusal instanceof Error) throw refusal;
      app.toasts.problem(refusal ? toProblem(refusal, session.now()) : lostProblem("Nothing was changed"));
    }
    poll.ask();
  }

  const retry = (entry) => act(entry, "retry", "It is tried again.");

  async function discard(entry) {
    const text = `What ${entry.owner} has written is given up for good. The audit log keeps that you did so.`;
    const sure = await confirmAction({ title: `Discard this ${entry.title}?`, text, action: "Discard", danger: true });
    if (sure) await act(entry, "discard", "It is discarded.");
  }

  function body({ data, since }, { state }) {
    if (!data) return state === "loading" ? skeleton(3, waitingText(since, session.now())) : blank("No outbox to show", "It could not be loaded.");
    if (!data.entries.length) return blank("Nothing waits", "Every write that was accepted is in the database.");
    const now = session.now();
    const facts = [["waiting", numberText(data.pending)], ["set aside", numberText(data.aside)], ["in all", sizeText(data.bytes)]];
    return html`<dl class="figures">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
      ${data.oldest === null ? nothing : html`<p class="outbox__oldest">The oldest waits since ${agoText(data.oldest, now)}.</p>`}
      <ul class="outbox__entries">${repeat(data.entries, ({ id }) => id, (entry) => row(outboxRow(entry, now)))}</ul>
      ${data.more ? html`<p class="outbox__more">More wait than are shown.</p>` : nothing}`;
  }

  function row(entry) {
    return html`<li class="outbox__entry"><div class="outbox__what"><span class="outbox__title">${entry.title}</span>
        <span class="tag tone--${entry.tone}">${entry.word}</span><span class="faint">${[entry.owner, entry.when, entry.tries].filter(Boolean).join(", ")}</span></div>
      ${entry.aside
        ? html`<div class="outbox__actions"><button class="button button--small" @click=${() => retry(entry)}>Try again</button>
            <button class="button button--small button--danger" @click=${() => discard(entry)}>Discard</button></div>`
        : nothing}
      ${entry.error ? html`<p class="outbox__error">${entry.error}</p>` : nothing}
      <p class="outbox__record"><code>${entry.record}</code>${entry.columns ? html` ${entry.columns}` : nothing}</p></li>`;
  }
}
