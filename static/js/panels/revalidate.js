/**
 * Data that is about to age is asked for before it does: the server pushes changes only, and quiet must not be taken for
 * silence. A page that nobody looks at does not ask.
 */

/** Share of the time to live after which it is asked for again. */
const ASK_AT = 0.6;

/**
 * Ask again while the page is looked at and connected.
 *
 * @param {string} name key of the feed in the store; its data has asOf (ms) and ttl (seconds)
 * @param {function} ask
 */
export function keepFresh(app, name, ask) {
  const { store, session, ticker } = app;
  let askedAt = -Infinity;
  ticker.on(() => {
    const { data, asking } = store.get(name);
    // what was never loaded is pushed as soon as it is
    if (!data || data.asOf === null || asking || document.hidden || !session.connected) return;
    const age = (session.now() - data.asOf) / 1000;
    if (age < data.ttl * ASK_AT || performance.now() - askedAt < pause(data.ttl)) return;
    askedAt = performance.now();
    ask();
  });
}

/** Milliseconds between two questions: a tenth of the time to live, but 5 to 60 s. */
function pause(ttl) {
  return Math.min(60, Math.max(5, ttl / 10)) * 1000;
}
