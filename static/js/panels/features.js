/** Features with their breakers, and the administrator's switches for them. */

import { blank } from "../dom/blank.js";
import { askText, confirmAction } from "../dom/dialog.js";
import { html, nothing, repeat } from "../dom/html.js";
import { lostProblem, toProblem } from "../logic/problems.js";
import { featureChanges, featureRow, takeStatus } from "../logic/status.js";
import { countText } from "../logic/time.js";
import { post } from "../net/rest.js";
import { Feed } from "../state/feed.js";
import { mountPanel } from "./panel.js";
import { keepFresh } from "./revalidate.js";

export function mountFeatures(app) {
  const { store, session, ticker } = app;
  const feed = new Feed({ session, store, name: "status", reduce: (_, payload) => takeStatus(payload) });
  const ask = () => feed.ask({});
  const panel = mountPanel(app, {
    name: "features",
    feed: "status",
    retry: ask,
    facts: (data) => ({ ...data, loaded: true, count: Object.keys(data.features).length }),
    body,
  });
  session.on("synced", () => ask());
  keepFresh(app, "status", ask);
  store.watch(["status"], (_, now, before) => {
    if (!now.data || now.data === before.data) return;
    for (const change of featureChanges(before.data?.features, now.data.features)) app.announce.say(change);
  });
  ticker.on(() => panel.redraw());

  async function act(path, payload, done) {
    try {
      const answer = await post(path, payload);
      app.toasts.show({ level: "success", message: answer?.message ?? done });
      ask();
    } catch (refusal) {
      if (refusal instanceof Error) throw refusal;
      app.toasts.problem(refusal ? toProblem(refusal, session.now()) : lostProblem("Nothing was changed"));
    }
  }

  async function reset({ name, title }) {
    const text = "All its circuit breakers are closed and the feature is switched on. Calls go out again at once.";
    if (await confirmAction({ title: `Reset ${title}?`, text, action: "Reset" })) {
      await act(`/api/reset-circuit-breaker/${name}`, {}, `${title} was reset.`);
    }
  }

  async function disable({ name, title }) {
    const text = "It stays off until somebody switches it on again. The reason is shown to everybody.";
    const reason = await askText({ title: `Switch off ${title}?`, text, label: "Reason", action: "Switch off", danger: true });
    if (reason) await act(`/api/features/${name}/disable`, { reason }, `${title} is switched off.`);
  }

  const enable = ({ name, title }) => act(`/api/features/${name}/enable`, {}, `${title} is switched on.`);

  function body({ data }) {
    if (!data) return blank("No report", "The state of the features could not be loaded.");
    const now = session.now();
    const rows = Object.entries(data.features).map((entry) => featureRow(entry, data.asOf, now));
    return html`<ul class="breakers">${repeat(rows, ({ name }) => name, breaker)}</ul>`;
  }

  function breaker(row) {
    return html`<li class="breaker">
      <div class="breaker__what"><span class="breaker__title">${row.title}</span><span class="tag tone--${row.tone}">${row.word}</span>
        ${row.reason ? html`<span class="breaker__reason">${row.reason}</span>` : nothing}</div>
      <dl class="breaker__facts"><div><dt>Circuit</dt><dd>${row.breaker}</dd></div><div><dt>Failures</dt><dd>${row.failures}</dd></div></dl>
      <div class="breaker__actions"><button class="button button--small" @click=${() => reset(row)}>Reset</button>
        ${row.enabled
          ? html`<button class="button button--small button--danger" @click=${() => disable(row)}>Switch off</button>`
          : html`<button class="button button--small" @click=${() => enable(row)}>Switch on</button>`}</div>
      ${row.dependencies.length ? html`<ul class="dependencies">${row.dependencies.map(dependency)}</ul>` : nothing}
    </li>`;
  }

  function dependency({ title, tone, breaker: word, failures, probe }) {
    return html`<li><span>${title}</span><span class="tag tone--${tone}">${word}</span>
      <span class="faint">${[countText(failures, "failure"), probe].filter(Boolean).join(", ")}</span></li>`;
  }
}
