/** When a growing list may follow its end, and when it must not move under the reader. */

/** Pixels from the end within which the reader is taken to follow it. */
export const FOLLOW_WITHIN = 32;

/** True when the reader looks at the end. */
export function atEnd({ scrollTop, clientHeight, scrollHeight }) {
  return scrollHeight - scrollTop - clientHeight <= FOLLOW_WITHIN;
}
