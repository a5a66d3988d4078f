/** Administrative acts, the newest first. */

import { blank } from "../dom/blank.js";
import { html, nothing, repeat } from "../dom/html.js";
import { auditRow, NO_ENTRIES, takeNewest, takeOlder } from "../logic/audit.js";
import { agoText, momentText } from "../logic/time.js";
import { get } from "../net/rest.js";
import { Poll } from "../state/poll.js";
import { mountPanel } from "./panel.js";

const EVERY_MS = 15_000;
const TTL = 40;
const PAGE = 20;
const CLOCK = new Intl.DateTimeFormat(undefined, { dateStyle: "short", timeStyle: "medium" });

export function mountAudit(app) {
  const { session } = app;
  let held = NO_ENTRIES;
  const poll = new Poll(app, {
    name: "audit",
    path: `/api/audit?limit=${PAGE}`,
    every: EVERY_MS,
    take: (answer) => {
      held = takeNewest(held, answer);
      return { ttl: TTL };
    },
  });
  const panel = mountPanel(app, {
    name: "audit",
    retry: () => poll.ask(),
    facts: (data) => ({ ...data, loaded: true, count: held.entries.length }),
    body,
  });
  session.on("status_update", () => poll.ask());
  app.store.watch(["accounts"], () => poll.ask());

  async function more(cursor) {
    try {
      const page = await get(`/api/audit?limit=${PAGE}&cursor=${encodeURIComponent(cursor)}`);
      if (cursor === held.next) held = takeOlder(held, page);
    } catch (refusal) {
      if (refusal instanceof Error) throw refusal;
      app.toasts.show({ level: "error", message: "Older entries could not be loaded." });
    }
    panel.redraw();
  }

  function body({ data }) {
    if (!data) return blank("Not loaded", "The audit log could not be loaded.");
    if (!held.entries.length) return blank("Nothing yet", "Resets, switches and changes of accounts are noted here.");
    const now = session.now();
    const { entries, next: cursor } = held;
    return html`<ul>${repeat(entries, ({ id }) => id, (entry) => line(auditRow(entry), now))}</ul>
      ${cursor ? html`<p class="audit__foot"><button class="button button--small" @click=${() => more(cursor)}>Older</button></p>` : nothing}`;
  }

  function line({ who, act, target, more: details, at, timestamp }, now) {
    return html`<li class="act"><time datetime=${timestamp} title="${momentText(at)}, ${agoText(at, now)}">${CLOCK.format(at)}</time>
      <span class="act__who">${who}</span><span class="act__what">${act} <strong>${target}</strong>
        ${details ? html`<span class="faint">${details}</span>` : nothing}</span></li>`;
  }
}
