/** A lit-html directive that shows growing markdown and touches only the blocks that changed, so a selection survives. */

import { Directive, directive, PartType } from "../../vendor/lit-html/directive.js";
import { html, nothing } from "./html.js";
import { blockNodes, blocks } from "./markdown.js";

class Prose extends Directive {
  #shown = [];
  #text = null;

  constructor(part) {
    super(part);
    if (part.type !== PartType.ELEMENT) throw new Error("prose() belongs on an element");
  }

  render() {
    return nothing;
  }

  update({ element }, [text]) {
    if (text === this.#text) return nothing;
    this.#text = text;
    const wanted = blocks(text);
    let same = 0;
    while (same < wanted.length && same < this.#shown.length && wanted[same].raw === this.#shown[same]) same += 1;
    while (element.children.length > same) element.lastElementChild.remove();
    for (const token of wanted.slice(same)) element.append(block(token));
    this.#shown = wanted.map((token) => token.raw);
    return nothing;
  }
}

function block(token) {
  const box = document.createElement("div");
  box.className = "prose__block";
  box.append(blockNodes(token));
  return box;
}

const prose = directive(Prose);

/** Markdown text as an element. */
export function proseTemplate(text) {
  return html`<div class="prose" ${prose(text)}></div>`;
}
