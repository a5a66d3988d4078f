/** What has become known to be exploited and concerns the reader, and what the reader watches. */

import { blank, skeleton, working } from "../dom/blank.js";
import { html, nothing, render, repeat } from "../dom/html.js";
import { shown, STATUS_TONES, unseen } from "../logic/alerts.js";
import { waitingText } from "../logic/freshness.js";
import { agoText, countText, parseTime } from "../logic/time.js";
import { Alerts } from "../state/alerts.js";
import { mountPanel } from "./panel.js";
import { keepFresh } from "./revalidate.js";

export function mountAlerts(app) {
  const { store, session, view, frames } = app;
  const mayWrite = app.role !== "viewer";
  const alerts = new Alerts(app);
  const pill = document.querySelector('.masthead [data-part="alerts"]');
  let resolved = false;

  const panel = mountPanel(app, {
    name: "alerts",
    retry: () => alerts.ask(),
    facts: (data) => ({ ...data, count: shown(data.alerts).length, sources: [] }),
    extra: (data) => (data?.loaded ? [countText(data.watched.length, "watched term")] : []),
    body,
  });
  keepFresh(app, "alerts", () => alerts.ask());
  if (pill) store.watch(["alerts"], () => frames.ask(drawPill));

  function drawPill() {
    const count = unseen(store.get("alerts").data.alerts);
    render(count ? html`<a class="pill pill--bad" href="#alerts"><span class="dot" aria-hidden="true"></span>${countText(count, "alert")}</a>` : nothing, pill);
  }

  function body({ data, asking, since }, { state }) {
    if (state === "loading") return skeleton(3, waitingText(since, session.now()));
    if (!data.loaded) return blank("No alerts to show", "They could not be read.");
    return html`${working(asking)}${list(data)}${watchList(data)}`;
  }

  function list(data) {
    const rows = shown(data.alerts, { resolved });
    const old = data.alerts.some(({ status }) => status === "resolved");
    return html`${rows.length
      ? html`<ul class="alerts__list">${repeat(rows, ({ id }) => id, row)}</ul>`
      : html`<div class="alerts__none"><strong>No open alerts</strong>
          <span>An alert is raised by itself when something in your scans, or something you watch, becomes known to be exploited.</span></div>`}
      ${old ? html`<label class="check alerts__old"><input type="checkbox" ?checked=${resolved} @change=${(event) => show(event.target.checked)}> Show resolved ones</label>` : nothing}`;
  }

  function row(alert) {
    return html`<li class="alert alert--${alert.status}">
      <div class="alert__head"><strong>${alert.title}</strong><span class="tag tone--${STATUS_TONES[alert.status]}">${alert.status}</span></div>
      <p>${alert.message}</p>
      <div class="alert__foot"><span class="faint">${agoText(parseTime(alert.raised_at), session.now())}${alert.delivery === "pending" ? ", not delivered yet" : ""}</span>
        ${(alert.details.scans ?? []).slice(0, 2).map(({ scan_id: id, name }) => html`<a href="?scan=${id}#scans" @click=${(event) => toScan(event, id)}>${name}</a>`)}
        ${mayWrite && alert.status === "raised" ? html`<button class="button button--small" @click=${() => alerts.acknowledge(alert.id)}>Acknowledge</button>` : nothing}
        ${mayWrite && alert.status !== "resolved" ? html`<button class="button button--small" @click=${() => alerts.resolve(alert.id)}>Resolve</button>` : nothing}
      </div></li>`;
  }

  function watchList({ watched }) {
    return html`<section class="watched" aria-label="Watch list"><h3 class="small-title">Watch list</h3>
      ${watched.length
        ? html`<ul class="watched__list">${repeat(watched, ({ id }) => id, ({ id, term }) => html`<li class="tag tone--info">${term}
            ${mayWrite ? html`<button class="watched__remove" aria-label="Stop watching ${term}" title="Stop watching" @click=${() => alerts.unwatch(id)}>×</button>` : nothing}</li>`)}</ul>`
        : html`<p class="faint">Nothing is watched by name yet. The findings of your scans are watched by themselves.</p>`}
      ${mayWrite ? html`<form class="watched__form" @submit=${watch}><input class="input" name="term" required minlength="2" maxlength="200" autocomplete="off"
        aria-label="Watch a CVE id, vendor or product" placeholder="CVE id, vendor or product…"><button class="button button--small">Watch</button></form>` : nothing}
    </section>`;
  }

  async function watch(event) {
    event.preventDefault();
    const { term } = event.target.elements;
    if (await alerts.watch(term.value)) event.target.reset();
  }

  function show(all) {
    resolved = all;
    panel.redraw();
  }

  function toScan(event, id) {
    event.preventDefault();
    view.set({ scan: id });
    document.getElementById("scans").scrollIntoView();
  }
}
