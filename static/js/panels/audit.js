/** Administrative acts, the newest first. */

import { blank } from "../dom/blank.js";
import { html, nothing, repeat } from "../dom/html.js";
import { auditRow } from "../logic/audit.js";
import { agoText } from "../logic/time.js";
import { get } from "../net/rest.js";
import { Poll } from "../state/poll.js";
import { mountPanel } from "./panel.js";

const EVERY_MS = 15_000;
const TTL = 40;
const PAGE = 20;
const CLOCK = new Intl.DateTimeFormat(undefined, { dateStyle: "short", timeStyle: "medium" });

export function mountAudit(app) {
  const { session } = app;
  let older = [];
  let next = null;
  const poll = new Poll(app, {
    name: "audit",
    path: `/api/audit?limit=${PAGE}`,
    every: EVERY_MS,
    take: (answer) => ({ ...answer, ttl: TTL }),
  });
  const panel = mountPanel(app, {
    name: "audit",
    retry: () => poll.ask(),
    facts: (data) => ({ ...data, loaded: true, count: data.entries.length }),
    body,
  });
  session.on("status_update", () => poll.ask());
  app.store.watch(["accounts"], () => poll.ask());

  async function more(cursor) {
    try {
      const answer = await get(`/api/audit?limit=${PAGE}&cursor=${encodeURIComponent(cursor)}`);
      older = [...older, ...answer.entries];
      next = answer.next_cursor;
    } catch (refusal) {
      if (refusal instanceof Error) throw refusal;
      app.toasts.show({ level: "error", message: "Older entries could not be loaded." });
    }
    panel.redraw();
  }

  function body({ data }) {
    if (!data) return blank("Not loaded", "The audit log could not be loaded.");
    if (!data.entries.length) return blank("Nothing yet", "Resets, switches and changes of accounts are noted here.");
    const now = session.now();
    const shown = [...new Map([...data.entries, ...older].map((entry) => [entry.id, entry])).values()];
    const cursor = older.length ? next : data.next_cursor;
    return html`<ul>${repeat(shown, ({ id }) => id, (entry) => line(auditRow(entry), now))}</ul>
      ${cursor ? html`<p class="audit__foot"><button class="button button--small" @click=${() => more(cursor)}>Older</button></p>` : nothing}`;
  }

  function line({ who, act, target, more: details, at, timestamp }, now) {
    return html`<li class="act"><time datetime=${timestamp} title=${agoText(at, now)}>${CLOCK.format(at)}</time>
      <span class="act__who">${who}</span><span class="act__what">${act} <strong>${target}</strong>
        ${details ? html`<span class="faint">${details}</span>` : nothing}</span></li>`;
  }
}
