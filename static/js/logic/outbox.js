/** The outbox as things to draw. */

import { agoText, countText, parseTime } from "./time.js";

/** Seconds for which its state counts as live. */
export const TTL = 15;

/** What is held of an answer. */
export function takeOutbox(answer) {
  return {
    entries: answer.entries,
    pending: answer.pending,
    aside: answer.set_aside,
    bytes: answer.bytes,
    oldest: parseTime(answer.oldest),
    more: answer.next_cursor !== null,
    ttl: TTL,
  };
}

/** 1536 → "1.5 KB". */
export function sizeText(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  const [size, unit] = bytes < 1024 ** 2 ? [bytes / 1024, "KB"] : [bytes / 1024 ** 2, "MB"];
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${unit}`;
}

/** An entry as a row. */
export function outboxRow(entry, now) {
  const aside = entry.state === "set_aside";
  return {
    id: entry.id,
    aside,
    title: `${entry.operation} in ${entry.table.replaceAll("_", " ")}`,
    record: entry.record_id,
    owner: entry.owner || "unknown",
    tone: aside ? "bad" : "warn",
    word: aside ? "set aside" : "waits",
    when: `since ${agoText(parseTime(entry.queued_at), now)}`,
    tries: entry.attempts ? countText(entry.attempts, "attempt") : "",
    columns: entry.columns.join(", "),
    error: entry.error ?? "",
  };
}
