/** The template language of all panels: lit-html and the directives that are used. */

export { html, nothing, render } from "../../vendor/lit-html/lit-html.js";
export { repeat } from "./repeat.js";
export { live } from "../../vendor/lit-html/directives/live.js";
