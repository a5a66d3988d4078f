/** The filters above the threats. They are the URL's: a filtered list can be sent to somebody. */

import { html, live } from "../dom/html.js";
import { SEVERITIES } from "../logic/view.js";

const TYPING_MS = 250;

/**
 * @param {object} view the present view
 * @param {function(object): void} change takes the fields to change
 */
export function filtersTemplate(view, change) {
  return html`<form class="threat-filters" role="search" aria-label="Filter threats" @submit=${(event) => event.preventDefault()}>
    <input class="input" type="search" aria-label="Search id, vendor, product or title" placeholder="Search id, vendor, product…"
      maxlength="100" .value=${live(view.search)} @input=${(event) => later(() => change({ search: event.target.value }))}>
    <select class="input" aria-label="Severity" @change=${(event) => change({ severity: event.target.value })}>
      <option value="" ?selected=${!view.severity}>Any severity</option>
      ${SEVERITIES.map((name) => html`<option value=${name} ?selected=${view.severity === name}>${capital(name)}</option>`)}
    </select>
    <label class="check"><input type="checkbox" .checked=${live(view.ransomware)}
      @change=${(event) => change({ ransomware: event.target.checked })}> Ransomware</label>
  </form>`;
}

let timer = null;

function later(action) {
  clearTimeout(timer);
  timer = setTimeout(action, TYPING_MS);
}

function capital(word) {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
