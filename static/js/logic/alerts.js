/** Alerts and what is watched, as things to draw. */

/** Seconds for which the list counts as live: it is asked for again before that, and changes are pushed. */
export const TTL = 300;
export const EMPTY = { loaded: false, alerts: [], asOf: null, watched: [] };
const MOST = 100;

/** The list as it was read. */
export function takeAlerts(held, { alerts }, now) {
  return { ...held, loaded: true, alerts, asOf: now };
}

/** An alert that was raised, has changed, or is over. */
export function takeAlert(held, alert, now) {
  const others = held.alerts.filter(({ id }) => id !== alert.id);
  const known = held.alerts.length !== others.length;
  const alerts = known ? held.alerts.map((one) => (one.id === alert.id ? alert : one)) : [alert, ...others];
  return { ...held, loaded: true, alerts: alerts.slice(0, MOST), asOf: now };
}

/** Those that are shown: what is over only when it is asked for; what nobody has seen first. */
export function shown(alerts, { resolved = false } = {}) {
  const order = { raised: 0, acknowledged: 1, resolved: 2 };
  return alerts
    .filter(({ status }) => resolved || status !== "resolved")
    .sort((a, b) => order[a.status] - order[b.status] || (a.raised_at < b.raised_at ? 1 : -1));
}

/** How many nobody has seen yet. */
export function unseen(alerts) {
  return alerts.filter(({ status }) => status === "raised").length;
}

export const STATUS_TONES = { raised: "bad", acknowledged: "warn", resolved: "ok" };
