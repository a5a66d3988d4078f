/** Threats of all sources, the most urgent first. */

import { blank, setupBlank, skeleton, working } from "../dom/blank.js";
import { html, nothing, repeat } from "../dom/html.js";
import { waitingText } from "../logic/freshness.js";
import { fitting, MOST_ROWS, takeThreats, threatsQuestion } from "../logic/threats.js";
import { ALL_THREATS, exportAddress, isFiltered, sameThreats } from "../logic/threat_view.js";
import { countText, numberText } from "../logic/time.js";
import { Feed } from "../state/feed.js";
import { mountPanel, nothingLoaded } from "./panel.js";
import { keepFresh } from "./revalidate.js";
import { Details } from "./threat_detail.js";
import { filtersTemplate } from "./threat_filters.js";
import { threatRow } from "./threat_row.js";

const SETTINGS = ["JUPITER_SOURCES", "JUPITER_SOURCE_CISA_KEV_URL"];
/** Rows shown at first on a narrow screen, where the list is not scrolled inside its panel. */
const NARROW_ROWS = 8;
const FORMATS = [["csv", "CSV"], ["json", "JSON"], ["stix", "STIX"]];

export function mountThreats(app) {
  const { store, session, view } = app;
  const narrow = matchMedia("(max-width: 720px)");
  const opened = new Set();
  let unfolded = false;

  const feed = new Feed({
    session,
    store,
    name: "threats",
    reduce: (before, payload, asked) => takeThreats(before, payload, asked, view.get()),
  });
  const ask = (more = false, force = false) => {
    const wanted = view.get();
    const { data } = store.get("threats");
    const cursor = more ? data?.cursor : null;
    const held = data && sameThreats(data.view, wanted) ? data.rows.length : 0;
    const question = { ...threatsQuestion(wanted, { cursor, held }), ...(force ? { force_refresh: true } : {}) };
    feed.ask(question, { view: wanted, more });
  };
  const retry = () => ask(false, true);

  const panel = mountPanel(app, {
    name: "threats",
    retry,
    watch: ["view"],
    facts: (data) => ({ ...data, count: data.rows.length, problem: nothingLoaded(data) }),
    extra: (data) => (data?.loaded ? [countText(data.total, "record")] : []),
    body,
  });

  const details = new Details(() => panel.redraw());
  const tools = () => panel.frame.draw("tools", filtersTemplate(view.get(), store.get("threats").data?.sources ?? [], (fields) => view.set(fields)));
  store.watch(["view"], (_, now, before) => {
    tools();
    if (sameThreats(now, before)) return;
    unfolded = false;
    if (session.connected) ask();
  });
  // A push brings the first page of all. Who looks at another list, or at more of it, is only told that something changed.
  session.on("threats_update", ({ request, threats }) => {
    const { data } = store.get("threats");
    if (!request && (isFiltered(view.get()) || data?.rows.length > threats.length)) ask();
  });
  session.on("synced", () => isFiltered(view.get()) && ask());
  store.watch(["threats"], tools); // the sources that may be chosen
  keepFresh(app, "threats", () => ask());
  narrow.addEventListener("change", () => panel.redraw());
  tools();

  function body(current, { state }) {
    const { data, asking, since } = current;
    if (state === "loading") return skeleton(8, waitingText(since, session.now()));
    if (state === "setup") return setupBlank(data?.sources ?? [], SETTINGS);
    if (state === "error" && !data?.rows.length) return blank("No threats to show", "The list fills by itself as soon as a source answers.");
    const wanted = view.get();
    const rows = sameThreats(data.view, wanted) ? data.rows : fitting(data.rows, wanted);
    if (!rows.length) return [working(asking), none(wanted, asking)];
    return [working(asking), list(rows), foot(data, rows)];
  }

  function list(rows) {
    const shown = narrow.matches && !unfolded ? rows.slice(0, NARROW_ROWS) : rows;
    const now = session.now();
    return html`<div class="threats__scroll" tabindex="0" role="region" aria-label="List of threats">
      <div class="threats__columns" aria-hidden="true"><span>Severity</span><span>Threat</span><span>EPSS</span><span>Due, since</span></div>
      <ul class="threats__list">${repeat(shown, ({ id }) => id, (threat) => threatRow(threat, rowState(threat, now)))}</ul>
    </div>`;
  }

  function foot(data, rows) {
    const folded = narrow.matches && !unfolded && rows.length > NARROW_ROWS;
    const shown = folded ? NARROW_ROWS : rows.length;
    const more = folded || (data.cursor && data.rows.length < MOST_ROWS);
    const full = data.rows.length >= MOST_ROWS ? " Narrow the filters to see others." : "";
    return html`<div class="threats__foot"><span>${numberText(shown)} of ${countText(data.total, "threat")} shown.${full}</span>
      <span class="threats__export" role="group" aria-label="Export the ${numberText(shown)} threats that are shown">Export ${FORMATS.map(
        ([format, name]) => html`<a href=${exportAddress(view.get(), format, shown)} download>${name}</a>`,
      )}</span>
      ${more ? html`<button class="button button--small" @click=${() => onMore(folded)}>Load more</button>` : nothing}</div>`;
  }

  function none(wanted, asking) {
    if (!isFiltered(wanted)) return blank("No threats", "The sources answered and listed nothing.");
    const clear = html`<button class="button" @click=${() => view.set({ ...ALL_THREATS })}>Clear the filters</button>`;
    if (asking) return blank("Searching…", "Nothing among the records loaded so far; the server is looking through all of them.");
    const where = session.connected ? "No record fits these filters." : "No loaded record fits these filters; the server is asked when the connection is back.";
    return blank("Nothing found", where, clear);
  }

  function onMore(folded) {
    if (!folded) return ask(true);
    unfolded = true;
    return panel.redraw();
  }

  function rowState(threat, now) {
    const open = opened.has(threat.id);
    return {
      open,
      now,
      more: open ? details.of(threat.id) : null,
      toggled: (asked) => toggled(threat.id, asked),
      search: (words) => view.set({ ...ALL_THREATS, search: words }),
    };
  }

  function toggled(id, open) {
    if (opened.has(id) === open) return;
    if (open) {
      opened.add(id);
      details.load(id);
    } else opened.delete(id);
    panel.redraw();
  }
}
