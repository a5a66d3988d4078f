/** One's own experiments in numbers, the newest of them, and a form for a new one. */

import { bar } from "../dom/bar.js";
import { blank, skeleton, working } from "../dom/blank.js";
import { html, nothing, repeat } from "../dom/html.js";
import { waitingText } from "../logic/freshness.js";
import { nameText, shares, STATUS_TONES, takeSummary } from "../logic/summary.js";
import { agoText, numberText, parseTime } from "../logic/time.js";
import { Feed } from "../state/feed.js";
import { newExperiment } from "./experiment_form.js";
import { mountPanel } from "./panel.js";
import { keepFresh } from "./revalidate.js";

const NEWEST = 6;

export function mountSummary(app) {
  const { store, session } = app;
  const feed = new Feed({ session, store, name: "summary", reduce: (_, payload) => takeSummary(payload) });
  const ask = (force = false) => feed.ask(force ? { force_refresh: true } : {});
  const mayWrite = app.role !== "viewer";
  const panel = mountPanel(app, {
    name: "summary",
    retry: () => ask(true),
    facts: (data) => ({ ...data, loaded: true, count: data.total }),
    extra: (data) => (data?.cached ? ["from the cache"] : []),
    body,
  });
  session.on("synced", () => ask());
  keepFresh(app, "summary", ask);
  if (mayWrite) panel.frame.draw("tools", html`<button class="button button--small" @click=${create}>New experiment</button>`);

  async function create() {
    const made = await newExperiment(app);
    if (!made) return;
    app.toasts.show({ level: "success", message: `“${made.name}” was created.` });
    ask(true);
  }

  function body({ data, asking, since }, { state }) {
    if (state === "loading") return skeleton(5, waitingText(since, session.now()));
    if (!data) return blank("No summary to show", "The experiments could not be read.");
    if (!data.total && !data.faults.length) return [working(asking), none()];
    return html`${working(asking)}${numbers(data)}${data.faults.map((fault) => html`<p class="summary__fault">${fault}</p>`)}
      <div class="summary__groups">${group("By status", data.byStatus)}${group("By type", data.byType)}</div>${newest(data)}`;
  }

  function none() {
    const action = mayWrite ? html`<button class="button" @click=${create}>New experiment</button>` : nothing;
    const text = mayWrite ? "Plan a security scan, a chaos drill, an A/B test or a benchmark, and follow it here." : "Planning one needs the role analyst.";
    return blank("No experiments yet", text, action);
  }

  function numbers({ total, lastWeek, rate }) {
    const facts = [["experiments", numberText(total)], ["in the last 7 days", numberText(lastWeek)], ["of them completed", `${rate} %`]];
    return html`<dl class="figures">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
  }

  function group(title, counts) {
    const rows = shares(counts);
    if (!rows.length) return nothing;
    return html`<div><h3 class="small-title">${title}</h3><ul class="shares">${rows.map(({ name, count, share }) => html`<li>
      <span>${nameText(name)}</span><span class="number">${numberText(count)}</span>${bar(share)}</li>`)}</ul></div>`;
  }

  function newest({ experiments }) {
    if (!experiments.length) return nothing;
    const now = session.now();
    return html`<h3 class="small-title">Newest</h3><ul class="experiments">${repeat(experiments.slice(0, NEWEST), ({ id }) => id, (one) => html`<li class="experiment">
      <span class="experiment__name">${one.name}</span><span class="tag tone--${STATUS_TONES[one.status] ?? "off"}">${one.status}</span>
      <span class="experiment__about">${nameText(one.experiment_type)} · ${agoText(parseTime(one.created_at), now)}</span></li>`)}</ul>
      <p class="summary__all"><a href="/experiments">All experiments</a></p>`;
  }
}
