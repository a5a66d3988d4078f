/** A lit-html directive that shows growing markdown and touches only the blocks that changed, so a selection survives. */

import { Directive, directive, PartType } from "../../vendor/lit-html/directive.js";
import { html, nothing } from "./html.js";
import { blockNodes, blocks } from "./markdown.js";

class Prose extends Directive {
  #shown = [];
  #text = null;
  #marks = "";

  constructor(part) {
    super(part);
    if (part.type !== PartType.ELEMENT) throw new Error("prose() belongs on an element");
  }

  render() {
    return nothing;
  }

  update({ element }, [text, marked]) {
    const marks = marked.join(" ");
    if (text === this.#text && marks === this.#marks) return nothing;
    if (marks !== this.#marks) this.#shown = [];
    this.#text = text;
    this.#marks = marks;
    const wanted = blocks(text);
    let same = 0;
    while (same < wanted.length && same < this.#shown.length && wanted[same].raw === this.#shown[same]) same += 1;
    while (element.children.length > same) element.lastElementChild.remove();
    for (const token of wanted.slice(same)) element.append(block(token, marked));
    this.#shown = wanted.map((token) => token.raw);
    return nothing;
  }
}

function block(token, marked) {
  const box = document.createElement("div");
  box.className = "prose__block";
  box.append(blockNodes(token));
  if (marked.length) markWords(box, marked);
  return box;
}

/** Mark words wherever they stand as text. */
function markWords(box, words) {
  const ids = words.filter((word) => /^[\w-]+$/.test(word));
  if (!ids.length) return;
  const anyDash = ids.join("|").replaceAll("-", "[-\\u2010-\\u2015\\u2212\\uff0d]"); // models write others, too
  const pattern = new RegExp(`(${anyDash})(?![\\w-])`, "i");
  const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const found = pattern.exec(node.data);
    if (!found || node.parentNode.localName === "mark") continue;
    const word = node.splitText(found.index);
    word.splitText(found[0].length);
    const mark = document.createElement("mark");
    mark.className = "prose__unknown";
    mark.title = "No source has a record of this id";
    word.replaceWith(mark);
    mark.append(word);
  }
}

const prose = directive(Prose);

/** Markdown text as an element, some words in it marked as unknown. */
export function proseTemplate(text, unknown = []) {
  return html`<div class="prose" ${prose(text, unknown)}></div>`;
}
