/** Times as people read them. Everything is in milliseconds since the epoch unless a name says seconds. */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Read an ISO 8601 time; one without a zone is UTC. Returns null for anything else. */
export function parseTime(value) {
  if (typeof value !== "string" || value === "") return null;
  const bare = /T\d{2}:\d{2}(:\d{2}(\.\d+)?)?$/.test(value);
  const parsed = Date.parse(bare ? `${value}Z` : value);
  return Number.isNaN(parsed) ? null : parsed;
}

/** A span in words of one unit: "12 s", "3 min", "2 h", "5 days". Never negative. */
export function spanText(seconds) {
  const span = Math.max(0, Math.floor(seconds));
  if (span < MINUTE) return `${span} s`;
  if (span < 90 * MINUTE) return `${Math.floor(span / MINUTE)} min`;
  if (span < 36 * HOUR) return `${Math.floor(span / HOUR)} h`;
  return countText(Math.floor(span / DAY), "day");
}

/** How long ago: "just now" below two seconds, else "3 min ago". */
export function agoText(at, now) {
  const seconds = (now - at) / 1000;
  return seconds < 2 ? "just now" : `${spanText(seconds)} ago`;
}

/** How long until: "now" when due, else "in 20 s" (rounded up, so that it never says 0). */
export function inText(at, now) {
  const seconds = Math.ceil((at - now) / 1000);
  return seconds <= 0 ? "now" : `in ${spanText(seconds)}`;
}

/** A calendar date (YYYY-MM-DD) against today, both in UTC: {days, text, overdue}; null when unreadable. */
export function dueText(date, now) {
  const at = typeof date === "string" ? Date.parse(`${date.slice(0, 10)}T00:00:00Z`) : NaN;
  if (Number.isNaN(at)) return null;
  const today = Math.floor(now / (DAY * 1000));
  const days = Math.round(at / (DAY * 1000)) - today;
  if (days === 0) return { days, text: "due today", overdue: false };
  if (days > 0) return { days, text: `due in ${countText(days, "day")}`, overdue: false };
  return { days, text: `${countText(-days, "day")} overdue`, overdue: true };
}

/** A calendar date as an age in whole days: "today", "yesterday", "3 days ago"; "" when unreadable. */
export function dayText(date, now) {
  const days = -(dueText(date, now)?.days ?? NaN);
  if (Number.isNaN(days)) return "";
  if (days <= 0) return "today";
  return days === 1 ? "yesterday" : `${countText(days, "day")} ago`;
}

const MOMENT = new Intl.DateTimeFormat(undefined, {
  year: "numeric", month: "short", day: "numeric", hour: "numeric", minute: "2-digit", second: "2-digit", timeZoneName: "short",
});

/** A moment in the reader's zone and form, with the name of the zone. */
export function momentText(at) {
  return MOMENT.format(at);
}

/** "1 day", "1,204 days". */
export function countText(count, noun, plural = `${noun}s`) {
  return `${numberText(count)} ${count === 1 ? noun : plural}`;
}

/** A whole number with thousands parted. */
export function numberText(value) {
  return Number(value ?? 0).toLocaleString("en-US");
}
