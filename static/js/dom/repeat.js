/**
 * lit-html's repeat, without what version 3.3.3 leaves behind: of each row that it removes the end marker stays, a comment,
 * so that a list whose rows change all day grows without end.
 */

import { directive } from "../../vendor/lit-html/directive.js";
import { getCommittedValue } from "../../vendor/lit-html/directive-helpers.js";
import { repeat as litRepeat } from "../../vendor/lit-html/directives/repeat.js";

const Repeat = litRepeat([], (row) => row)._$litDirective$;

class TidyRepeat extends Repeat {
  update(part, rows) {
    const drawn = super.update(part, rows);
    tidy(part);
    return drawn;
  }
}

/** Remove what stands between the rows: it belongs to none of them. */
function tidy(part) {
  const rows = getCommittedValue(part);
  if (!Array.isArray(rows)) return; // the first time they are put there after this
  let node = part.startNode.nextSibling;
  for (const row of rows) {
    remove(node, row.startNode);
    node = row.endNode.nextSibling;
  }
  remove(node, part.endNode);
}

function remove(node, end) {
  while (node !== end) {
    const next = node.nextSibling;
    node.remove();
    node = next;
  }
}

/** Rows by their key: repeat(items, (item) => key, (item) => template). */
export const repeat = directive(TidyRepeat);
