/** The connection and the health in the strip at the top. */

import { html, nothing, render } from "../dom/html.js";
import { connectionText } from "../logic/connection.js";
import { HEALTH } from "../logic/status.js";

export function mountMasthead(app) {
  const { store, link, frames, ticker, session } = app;
  const places = { connection: find("connection"), health: find("health") };
  let kind = null;

  function draw() {
    const text = connectionText(link.state, Date.now());
    if (kind && kind !== text.kind && text.kind !== "connecting") app.announce.say(`Connection: ${text.label}`);
    kind = text.kind;
    document.body.dataset.connection = kind;
    render(connection(text), places.connection);
    render(health(), places.health);
  }

  function connection({ kind: state, label, detail }) {
    const content = html`<span class="dot" aria-hidden="true"></span>${label}${detail ? html`<small>${detail}</small>` : nothing}`;
    if (state === "live") return html`<span class="pill pill--live" title="Last sign of life from the server">${content}</span>`;
    return html`<button class="pill pill--${state}" title="Try now" @click=${() => link.tryNow()}>${content}</button>`;
  }

  /** Health that is old, or that nobody can confirm now, is not shown as if it were known. */
  function health() {
    const data = store.get("status")?.data;
    if (!data) return nothing;
    const known = session.connected && session.now() - data.asOf <= data.ttl * 1000;
    const { tone, label } = HEALTH[data.health] ?? { tone: "warn", label: data.health };
    return known
      ? html`<a class="pill pill--${tone}" href="#status"><span class="dot" aria-hidden="true"></span>${label}</a>`
      : html`<a class="pill pill--off" href="#status">Health unknown</a>`;
  }

  for (const place of Object.values(places)) place.replaceChildren();
  store.watch(["link", "status"], () => frames.ask(draw));
  ticker.on(() => frames.ask(draw));
  frames.ask(draw);
}

function find(name) {
  return document.querySelector(`.masthead [data-part="${name}"]`);
}
