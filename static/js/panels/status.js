/** What works: features with their breakers, health checks, the rate of errors. */

import { skeleton } from "../dom/blank.js";
import { Chart } from "../dom/chart.js";
import { html, nothing } from "../dom/html.js";
import { waitingText } from "../logic/freshness.js";
import { appendSample, toColumns } from "../logic/series.js";
import { checkRows, featureChanges, featureRow, takeStatus } from "../logic/status.js";
import { countText } from "../logic/time.js";
import { Feed } from "../state/feed.js";
import { mountPanel } from "./panel.js";
import { keepFresh } from "./revalidate.js";

const SAMPLES = 360;
/** Dependencies in trouble that are named for a feature; the console names all. */
const NAMED = 2;

export function mountStatus(app) {
  const { store, session, ticker, frames } = app;
  const feed = new Feed({ session, store, name: "status", reduce: (_, payload) => takeStatus(payload) });
  const ask = () => feed.ask({});
  let samples = [];
  let chart = null;

  const panel = mountPanel(app, {
    name: "status",
    retry: ask,
    facts: (data) => ({ ...data, loaded: true, count: Object.keys(data.features).length }),
    body,
  });
  session.on("synced", () => ask());
  keepFresh(app, "status", ask);
  store.watch(["status"], (_, now, before) => {
    if (!now.data || now.data === before.data) return;
    samples = appendSample(samples, { at: now.data.asOf, value: now.data.errors.error_rate }, SAMPLES);
    for (const change of featureChanges(before.data?.features, now.data.features)) app.announce.say(change);
    frames.ask(drawChart);
  });
  ticker.on(() => {
    panel.redraw();
    frames.ask(drawChart);
  });

  function drawChart() {
    const place = document.getElementById("error-rate");
    if (!place) return;
    chart ??= new Chart(place, { height: 44, label: "errors per minute" });
    const { data } = store.get("status");
    const now = session.now();
    // the newest value holds until now, as long as the report counts as live
    const until = now - data.asOf < data.ttl * 1000 ? [{ at: now, value: data.errors.error_rate }] : [];
    chart.show(toColumns([...samples, ...until]));
  }

  function body({ data, since }, { state }) {
    if (!data) return state === "loading" ? skeleton(5, waitingText(since, session.now())) : nothing;
    const now = session.now();
    const { errors } = data;
    const titles = sourceTitles(store);
    return html`<ul class="features">${Object.entries(data.features).map((entry) => feature(featureRow(entry, data.asOf, now, titles)))}</ul>
      <div class="status__errors">
        <div><h3 class="small-title">Errors</h3><p>${countText(errors.total_errors, "error")} in the last hour, ${rate(errors.error_rate)} per minute</p></div>
        <div class="status__chart" id="error-rate" role="img" aria-label="Errors per minute since this page was opened"></div>
      </div>
      <h3 class="small-title">Health checks</h3>
      <ul class="checks">${checkRows(data.checks, titles).map(check)}</ul>`;
  }

  function feature({ title, tone, word, failures, reason, dependencies, breaker }) {
    const troubled = dependencies.filter((dependency) => dependency.tone !== "ok");
    const others = troubled.length - NAMED;
    return html`<li class="feature"><span class="feature__title">${title}</span><span class="tag tone--${tone}">${word}</span>
      <span class="feature__about">circuit ${breaker}${failures ? `, ${countText(failures, "failure")}` : ""}</span>
      ${reason ? html`<span class="feature__reason">${reason}</span>` : nothing}
      ${troubled.slice(0, NAMED).map((dependency) => html`<span class="feature__reason">${dependency.title}: circuit ${dependency.breaker}${dependency.probe ? `, ${dependency.probe}` : ""}</span>`)}
      ${others > 0 ? html`<span class="feature__reason">and ${others} more</span>` : nothing}</li>`;
  }

  function check({ title, tone, word, time, message }) {
    return html`<li class="check-row"><span class="dot-mark tone--${tone}" aria-hidden="true"></span>
      <span class="check-row__title" title=${title}>${title}</span>
      <span class="check-row__word">${tone === "ok" ? html`<span class="unseen">${word}</span>${time || "ok"}` : word}</span>
      ${tone !== "ok" && message ? html`<span class="check-row__message">${message}</span>` : nothing}</li>`;
  }
}

/** What the sources in the other panels' ledgers call themselves. */
function sourceTitles(store) {
  const sources = ["threats", "pulse"].flatMap((name) => store.get(name)?.data?.sources ?? []);
  return Object.fromEntries(sources.map(({ name, title }) => [name, title]));
}

function rate(value) {
  return value.toFixed(value < 1 ? 2 : 1);
}
