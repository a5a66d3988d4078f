/** When a growing list may follow its end, and when it must not move under the reader. */

/** Pixels from the end within which the reader is taken to follow it. */
export const FOLLOW_WITHIN = 32;

/**
 * Does the list follow its end after it was scrolled? However little the reader goes up, it does not; as soon as they are
 * back at the end, it does. Content that shrinks moves the place up, too, but leaves it at the very end.
 *
 * @param {boolean} before whether it followed
 * @param {number} top scrollTop at the last look
 * @param {object} place {scrollTop, clientHeight, scrollHeight} now
 */
export function follows(before, top, { scrollTop, clientHeight, scrollHeight }) {
  const left = scrollHeight - scrollTop - clientHeight;
  if (scrollTop < top) return left <= 1;
  return left <= FOLLOW_WITHIN || before;
}
