/** How many errors, of which types, and when. */

import { bar } from "../dom/bar.js";
import { blank } from "../dom/blank.js";
import { Chart } from "../dom/chart.js";
import { html, nothing, repeat } from "../dom/html.js";
import { sliceColumns } from "../logic/series.js";
import { shares } from "../logic/summary.js";
import { numberText } from "../logic/time.js";
import { Poll } from "../state/poll.js";
import { mountPanel } from "./panel.js";

const EVERY_MS = 15_000;
const TTL = 40;

export function mountErrorStats(app) {
  const { store, session, frames, view } = app;
  const poll = new Poll(app, { name: "error_stats", path: "/api/error-stats", every: EVERY_MS, take: (answer) => ({ stats: answer, ttl: TTL }) });
  let chart = null;

  mountPanel(app, {
    name: "error_stats",
    retry: () => poll.ask(),
    facts: (data) => ({ ...data, loaded: true, count: 1 }),
    watch: ["view"],
    body,
  });
  session.on("status_update", () => poll.ask());
  store.watch(["error_stats"], () => frames.ask(drawChart));

  function drawChart() {
    const place = document.getElementById("errors-over-time");
    const { data } = store.get("error_stats");
    if (!place || !data) return;
    chart ??= new Chart(place, { height: 150, bars: true, axes: true, label: "errors in the minute" });
    chart.show(sliceColumns(data.stats.series));
  }

  function body({ data }) {
    if (!data) return blank("No statistics", "They could not be loaded.");
    const { total_errors: total, error_rate: rate, errors_by_type: types, window_minutes: minutes } = data.stats;
    const facts = [[`In the last ${Math.round(minutes)} minutes`, numberText(total)], ["Per minute", rate.toFixed(2)], ["Types", Object.keys(types).length]];
    return html`<dl class="figures">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
      <div class="error-chart"><h3 class="small-title">Errors per minute, last hour</h3>
        <div class="error-chart__plot" id="errors-over-time" role="img" aria-label="Errors per minute over the last hour"></div></div>
      ${total ? html`<ul class="error-types">${repeat(shares(types), ({ name }) => name, type)}</ul>` : nothing}`;
  }

  function type({ name, count, share }) {
    const on = view.get().type === name;
    return html`<li><button class="error-type" aria-pressed=${on} @click=${() => view.set({ type: on ? "" : name })}>
      <code>${name}</code><span class="number">${numberText(count)}</span>${bar(share)}</button></li>`;
  }
}
