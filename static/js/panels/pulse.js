/** What the security community talks about. */

import { bar } from "../dom/bar.js";
import { blank, setupBlank, skeleton, working } from "../dom/blank.js";
import { html, nothing, repeat } from "../dom/html.js";
import { waitingText } from "../logic/freshness.js";
import { factsText, itemFacts, KIND_WORDS, mentionShare, takePulse, trend } from "../logic/pulse.js";
import { ALL_THREATS } from "../logic/threat_view.js";
import { agoText, countText, parseTime } from "../logic/time.js";
import { DEFAULT_WINDOW, WINDOWS } from "../logic/view.js";
import { Feed } from "../state/feed.js";
import { TopicItems } from "../state/topic_items.js";
import { mountPanel, nothingLoaded } from "./panel.js";
import { keepFresh } from "./revalidate.js";
import { reference } from "./threat_row.js";

const SETTINGS = ["JUPITER_PULSE_FEEDS", "JUPITER_SOURCES"];
const FIRST = 12;
const MOST_THREATS = 6;

export function mountPulse(app) {
  const { store, session, view } = app;
  const opened = new Set();
  const details = new TopicItems(app, () => panel.redraw());
  let unfolded = false;
  const wanted = () => view.get().window;
  const feed = new Feed({
    session,
    store,
    name: "pulse",
    // a push shows the default window; while another one is wanted it only says that something changed
    reduce: (before, payload, asked) => (asked || !before || payload.window === wanted() ? takePulse(payload) : before),
  });
  const ask = (force = false) => feed.ask({ window: wanted(), ...(force ? { force_refresh: true } : {}) });
  const panel = mountPanel(app, {
    name: "pulse",
    retry: () => ask(true),
    facts: (data) => ({ ...data, count: data.topics.length, problem: nothingLoaded(data) }),
    extra: (data) => (data?.loaded ? [countText(data.total, "item")] : []),
    body,
  });
  const tools = () => panel.frame.draw("tools", windows());

  store.watch(["view"], (_, now, before) => {
    tools();
    if (now.window !== before.window && session.connected) ask();
  });
  session.on("pulse_update", (payload) => !payload.request && payload.window !== wanted() && ask());
  session.on("synced", () => wanted() !== DEFAULT_WINDOW && ask());
  keepFresh(app, "pulse", () => ask());
  tools();

  function windows() {
    return html`<fieldset class="segments"><legend class="unseen">Time window</legend>${WINDOWS.map(
      (name) => html`<label><input type="radio" name="pulse-window" value=${name} .checked=${name === wanted()}
        @change=${() => view.set({ window: name })}><span>${name}</span></label>`,
    )}</fieldset>`;
  }

  function body({ data, asking, since }, { state }) {
    if (state === "loading") return skeleton(6, waitingText(since, session.now()));
    if (state === "setup") return setupBlank(data?.sources ?? [], SETTINGS);
    if (!data?.topics.length) return [working(asking), none(state)];
    const other = data.window !== wanted();
    const shown = unfolded ? data.topics : data.topics.slice(0, FIRST);
    return html`${working(asking)}
      ${other ? html`<p class="pulse__other">These are the topics of ${data.window}; those of ${wanted()} are ${session.connected ? "on their way" : "asked for when the connection is back"}.</p>` : nothing}
      <ol class="topics">${repeat(shown, ({ topic }) => topic, (topic) => row(topic, data.topics))}</ol>
      ${shown.length < data.topics.length ? html`<button class="button button--quiet pulse__more" @click=${unfold}>Show all ${data.topics.length} topics</button>` : nothing}`;
  }

  function none(state) {
    if (state === "error") return blank("No topics to show", "The topics appear by themselves as soon as a feed answers.");
    return blank("Quiet", `Nothing was published in the last ${wanted()}. Try a longer window.`);
  }

  function row(topic, topics) {
    const open = opened.has(topic.topic);
    const { tone, arrow, text, hint } = trend(topic);
    return html`<li class="topic"><details ?open=${open} @toggle=${(event) => toggled(topic.topic, event.target.open)}>
      <summary>
        <span class="topic__name">${topic.topic} ${kindTag(topic)}</span>
        <span class="topic__trend tone--${tone}" title=${hint}><span aria-hidden="true">${arrow}</span> ${text}<span class="unseen">, ${hint}</span></span>
        <span class="topic__bar">${bar(mentionShare(topic, topics))}</span>
        <span class="topic__counts">${countText(topic.mentions, "mention")} · ${countText(topic.sources, "source")}</span>
      </summary>
      ${open ? items(topic) : nothing}
    </details></li>`;
  }

  function items(topic) {
    const more = details.of(topic, wanted());
    const shown = more?.items ?? topic.items;
    const left = (more?.total ?? topic.mentions) - shown.length;
    return html`<p class="topic__facts">${factsText(topic)}</p>
      <ul class="topic__items">${shown.map((item) => itemRow(item))}</ul>
      ${left > 0 && !more ? html`<button class="button button--small" ?disabled=${details.loading(topic)} @click=${() => details.load(topic, wanted())}>Show all ${countText(topic.mentions, "item")}</button>` : nothing}
      ${left > 0 && more ? html`<p class="topic__facts">and ${countText(left, "older item")}</p>` : nothing}
      ${threats(topic)}`;
  }

  function itemRow(item) {
    const at = parseTime(item.published);
    return html`<li>${item.url ? reference(item.url, item.title || item.url) : item.title}
      <span class="faint">${itemFacts(item, at === null ? "" : agoText(at, session.now()))}</span></li>`;
  }

  function threats({ threat_ids: ids = [] }) {
    if (!ids.length) return nothing;
    return html`<div class="topic__threats"><span>Threat records</span>${ids.slice(0, MOST_THREATS).map(
      (id) => html`<button class="button button--small" title="Show ${id} among the threats" @click=${() => showThreat(id)}>${id}</button>`,
    )}${ids.length > MOST_THREATS ? html`<span class="faint">and ${ids.length - MOST_THREATS} more</span>` : nothing}</div>`;
  }

  function showThreat(id) {
    view.set({ ...ALL_THREATS, search: id });
    document.getElementById("threats")?.scrollIntoView({ block: "start" });
  }

  function toggled(name, open) {
    if (opened.has(name) === open) return;
    if (open) opened.add(name);
    else opened.delete(name);
    panel.redraw();
  }

  function unfold() {
    unfolded = true;
    panel.redraw();
  }
}

function kindTag({ kind }) {
  return KIND_WORDS[kind] ? html`<span class="tag tone--off">${KIND_WORDS[kind]}</span>` : nothing;
}
