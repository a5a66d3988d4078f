/** The demo's simulated upstreams and the switches that break them. */

import { blank, skeleton } from "../dom/blank.js";
import { html, repeat } from "../dom/html.js";
import { lostProblem, toProblem } from "../logic/problems.js";
import { waitingText } from "../logic/freshness.js";
import { countText } from "../logic/time.js";
import { post } from "../net/rest.js";
import { Poll } from "../state/poll.js";
import { mountPanel } from "./panel.js";

const EVERY_MS = 3000;
const TTL = 15;
const HINTS = {
  ok: "Answers normally",
  slow: "Answers after a few seconds",
  hang: "Never answers",
  refuse: "Refuses the connection",
  error: "Answers with status 500",
  html: "Answers with a web page",
  truncated: "Breaks off in the middle",
  garbage: "Answers with nonsense",
};

export function mountUpstreams(app) {
  const { session } = app;
  const poll = new Poll(app, { name: "upstreams", path: "/api/demo/upstreams", every: EVERY_MS, take: ({ upstreams }) => ({ upstreams, ttl: TTL }) });
  const panel = mountPanel(app, {
    name: "upstreams",
    retry: () => poll.ask(),
    facts: (data) => ({ ...data, loaded: true, count: data.upstreams.length }),
    body,
  });
  panel.frame.draw("tools", html`<button class="button button--small" @click=${heal}>All back to normal</button>`);

  async function choose(name, mode) {
    try {
      await post(`/api/demo/upstreams/${name}`, { mode });
    } catch (refusal) {
      if (refusal instanceof Error) throw refusal;
      app.toasts.problem(refusal ? toProblem(refusal, session.now()) : lostProblem("Nothing was switched"));
    }
    poll.ask();
  }

  async function heal() {
    for (const { name, mode } of app.store.get("upstreams").data?.upstreams ?? []) if (mode !== "ok") await choose(name, "ok");
  }

  function body({ data, since }, { state }) {
    if (!data) return state === "loading" ? skeleton(4, waitingText(since, session.now())) : blank("No switches", "They could not be loaded.");
    return html`<ul class="upstream-list">${repeat(data.upstreams, ({ name }) => name, upstream)}</ul>`;
  }

  function upstream({ name, title, mode, modes, requests, address }) {
    return html`<li class="upstream"><div><span class="upstream__title">${title}</span>
        <span class="faint">${address}, ${countText(requests, "request")}</span></div>
      <fieldset class="segments"><legend class="unseen">Behaviour of ${title}</legend>${modes.map((option) => html`<label title=${HINTS[option] ?? option}>
        <input type="radio" name=${`mode-${name}`} value=${option} .checked=${option === mode} @change=${() => choose(name, option)}><span>${option}</span></label>`)}</fieldset></li>`;
  }
}
