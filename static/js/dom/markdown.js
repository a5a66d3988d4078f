/**
 * Model output as markdown. It is hostile until proven otherwise: HTML in it is shown as text, what marked makes is cleaned
 * by DOMPurify down to a short list, and nothing in it can load anything.
 */

import DOMPurify from "../../vendor/dompurify/purify.es.mjs";
import { Marked } from "../../vendor/marked/marked.esm.js";

const PURIFY = {
  ALLOWED_TAGS: [
    "p", "br", "hr", "strong", "em", "del", "code", "pre", "blockquote", "ul", "ol", "li", "a",
    "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td",
  ],
  ALLOWED_ATTR: ["href", "title", "start"],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    html: ({ text }) => escape(text),
    image: ({ href, text }) => escape(`[image: ${text || href}]`),
    heading({ tokens, depth }) {
      const level = Math.min(6, depth + 2);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
    },
    checkbox: ({ checked }) => (checked ? "[x] " : "[ ] "),
  },
});

/** Split markdown into its top-level blocks; the same text gives the same blocks. */
export function blocks(text) {
  try {
    return marked.lexer(text).filter((token) => token.type !== "space");
  } catch (error) {
    return [tooDeep(error, text)];
  }
}

/** One block as clean nodes. */
export function blockNodes(token) {
  const fragment = DOMPurify.sanitize(htmlOf(token), PURIFY);
  for (const link of fragment.querySelectorAll("a")) {
    if (!link.hasAttribute("href")) link.replaceWith(...link.childNodes);
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  }
  return fragment;
}

function htmlOf(token) {
  try {
    return marked.parser([token]);
  } catch (error) {
    return marked.parser([tooDeep(error, token.raw)]);
  }
}

/** Thousands of quotes within quotes overflow the stack of the parser: such text is shown as it is. */
function tooDeep(error, text) {
  if (!(error instanceof RangeError)) throw error;
  return { type: "code", raw: text, text };
}

function escape(text) {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
