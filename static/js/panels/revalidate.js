/** Gauges that the server pushes only when they change are asked for before they age, so that quiet is not taken for silence. */

/** Share of the time to live after which it is asked for again: before the data counts as ageing. */
const ASK_AT = 0.6;
const PAUSE_MS = 5000;

/**
 * Ask again while the page is looked at and connected.
 *
 * @param {string} name key of the feed in the store; its data has asOf and ttl
 * @param {function} ask
 */
export function keepFresh(app, name, ask) {
  const { store, session, ticker } = app;
  let askedAt = -Infinity;
  ticker.on(() => {
    const { data, asking } = store.get(name);
    if (!data || asking || document.hidden || !session.connected) return;
    const age = (session.now() - data.asOf) / 1000;
    if (age < data.ttl * ASK_AT || performance.now() - askedAt < PAUSE_MS) return;
    askedAt = performance.now();
    ask();
  });
}
