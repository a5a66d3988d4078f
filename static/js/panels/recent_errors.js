/** The newest errors with their context. */

import { blank } from "../dom/blank.js";
import { html, live, nothing, repeat } from "../dom/html.js";
import { chosen, contextLines, keyed, LIMITS } from "../logic/errors.js";
import { agoText, momentText, numberText } from "../logic/time.js";
import { Poll } from "../state/poll.js";
import { mountPanel } from "./panel.js";

const MOST = 500;
const EVERY_MS = 15_000;
const TTL = 40;
const CLOCK = new Intl.DateTimeFormat(undefined, { dateStyle: "short", timeStyle: "medium" });

export function mountRecentErrors(app) {
  const { store, session, view } = app;
  const opened = new Set();
  const poll = new Poll(app, {
    name: "recent_errors",
    path: `/api/recent-errors?limit=${MOST}`,
    every: EVERY_MS,
    take: ({ errors }) => ({ errors: keyed(errors), ttl: TTL }),
  });
  const panel = mountPanel(app, {
    name: "recent_errors",
    retry: () => poll.ask(),
    facts: (data) => ({ ...data, loaded: true, count: data.errors.length }),
    watch: ["view"],
    body,
  });
  const tools = () => panel.frame.draw("tools", filters());
  session.on("status_update", () => poll.ask());
  store.watch(["view", "recent_errors"], tools);
  tools();

  function filters() {
    const now = view.get();
    const types = [...new Set((store.get("recent_errors").data?.errors ?? []).map(({ type }) => type).concat(now.type || []))].sort();
    return html`<form class="error-filters" role="search" aria-label="Filter errors" @submit=${(event) => event.preventDefault()}>
      <input class="input" type="search" maxlength="100" aria-label="Search messages and context" placeholder="Search…" .value=${live(now.search)}
        @input=${(event) => view.set({ search: event.target.value })}>
      <select class="input" aria-label="Type" @change=${(event) => view.set({ type: event.target.value })}>
        <option value="" ?selected=${!now.type}>Every type</option>${types.map((type) => html`<option value=${type} ?selected=${type === now.type}>${type}</option>`)}</select>
      <select class="input" aria-label="How many" @change=${(event) => view.set({ limit: Number(event.target.value) })}>
        ${LIMITS.map((limit) => html`<option value=${limit} ?selected=${limit === now.limit}>Newest ${limit}</option>`)}</select>
    </form>`;
  }

  function body({ data }) {
    if (!data) return blank("No errors to show", "They could not be loaded.");
    if (!data.errors.length) return blank("No errors", "Nothing went wrong in the last hour.");
    const { rows, found } = chosen(data.errors, view.get());
    const clear = html`<button class="button" @click=${() => view.set({ type: "", search: "" })}>Clear the filters</button>`;
    if (!rows.length) return blank("Nothing found", "No recorded error fits these filters.", clear);
    const now = session.now();
    return html`<div class="errors__columns" aria-hidden="true"><span>Time</span><span>Type</span><span>Message</span></div>
      <ul>${repeat(rows, ({ key }) => key, (error) => row(error, now))}</ul>
      <p class="errors__foot">${numberText(rows.length)} of ${numberText(found)} shown${data.errors.length === MOST ? `, out of the newest ${MOST}` : ""}.</p>`;
  }

  function row({ key, at, timestamp, type, message, context }, now) {
    const open = opened.has(key);
    return html`<li class="error-row"><details ?open=${open} @toggle=${(event) => toggled(key, event.target.open)}>
      <summary><time datetime=${timestamp} title="${momentText(at)}, ${agoText(at, now)}">${CLOCK.format(at)}</time><code>${type}</code>
        <span class="error-row__message">${message}</span></summary>
      ${open ? contextTemplate(contextLines(context)) : nothing}
    </details></li>`;
  }

  function toggled(key, open) {
    if (opened.has(key) === open) return;
    if (open) opened.add(key);
    else opened.delete(key);
    panel.redraw();
  }
}

function contextTemplate(lines) {
  if (!lines.length) return html`<p class="faint">No context was recorded.</p>`;
  return html`<dl>${lines.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}
