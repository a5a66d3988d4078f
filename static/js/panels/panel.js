/** What all panels that show a feed have in common: their frame follows the data, the link and the clock. */

import { Frame } from "../dom/frame.js";
import { freshness } from "../logic/freshness.js";
import { sourcesProblem } from "../logic/ledger.js";
import { toProblem } from "../logic/problems.js";

/**
 * Mount a panel.
 *
 * @param {object} app store, session, frames, ticker, announce
 * @param {object} panel
 * @param {string} panel.name id of its section
 * @param {string} [panel.feed] key of its feed in the store; the name where it is left out
 * @param {function} panel.facts (data) → {loaded, asOf, ttl, stale, count, sources, partial, note} for what is shown
 * @param {function} panel.body (feed, state) → template of the body
 * @param {function} [panel.retry] asks again, forced
 * @param {function} [panel.extra] (data, now) → parts that go first in the ledger line
 * @param {Array<string>} [panel.watch] more keys whose change draws the body
 * @returns {{frame: Frame, redraw: function}}
 */
export function mountPanel(app, { name, feed: key = name, facts, body, retry, extra = () => [], watch = [] }) {
  const { store, session, frames, ticker } = app;
  const frame = new Frame(document.getElementById(name), (text) => app.announce.say(text));
  let drawnState = null;

  const look = () => {
    const feed = store.get(key);
    const now = session.now();
    const known = feed.data ? facts(feed.data) : { loaded: false, sources: feed.problem?.sources ?? [] };
    const failed = feed.problem ?? known.problem ?? null;
    const state = freshness({ ...known, failed: Boolean(failed), connected: session.connected, now });
    return { feed, now, known, problem: failed ?? sourcesProblem(known.loaded ? known.sources : []), state };
  };
  const drawHead = () => {
    const { feed, now, known, problem, state } = look();
    frame.state(state);
    frame.problem(problem, { now, retry, calm: Boolean(known.loaded && known.count) });
    frame.ledger(known.sources ?? [], now, extra(feed.data, now));
    if (state.state !== drawnState || state.state === "loading") frames.ask(drawBody);
  };
  const drawBody = () => {
    const { feed, state } = look();
    drawnState = state.state;
    if (state.state === "loading" && frame.prefilled) return;
    frame.draw("body", body(feed, state));
  };
  const redraw = () => {
    frames.ask(drawHead);
    frames.ask(drawBody);
  };

  store.watch([key, ...watch], redraw);
  store.watch(["link"], () => frames.ask(drawHead));
  ticker.on(() => frames.ask(drawHead));
  redraw();
  return { frame, redraw };
}

/** The problem of data that has never been loaded though no source is still loading; null where there is none. */
export function nothingLoaded({ loaded, sources, message, suggestion }) {
  if (loaded || sources.some(({ status }) => status === "loading") || !sources.some(({ status }) => status === "error")) return null;
  const failed = sources.find(({ status }) => status === "error");
  return toProblem({ error: "No source has answered", message: message || failed.error, suggestion: suggestion || failed.suggestion });
}
