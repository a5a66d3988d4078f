/** The filters of the list of experiments; the URL is the view. */

import { html, live } from "../dom/html.js";
import { SORTS } from "../logic/experiments.js";
import { nameText } from "../logic/summary.js";

/**
 * @param {object} view
 * @param {function} set (fields) changes the view
 * @param {object|null} kinds the types and statuses that there are, once they are known
 */
export function filters(view, set, kinds) {
  const choice = (name, title, all, known = []) => {
    const options = view[name] && !known.includes(view[name]) ? [...known, view[name]] : known;
    return html`<select class="input" aria-label=${title} @change=${(event) => set({ [name]: event.target.value })}>
      <option value="" ?selected=${!view[name]}>${all}</option>
      ${options.map((option) => html`<option value=${option} ?selected=${option === view[name]}>${nameText(option)}</option>`)}</select>`;
  };
  const day = (name, title) => html`<label class="experiment-filters__day"><span>${title}</span>
    <input class="input" type="date" .value=${live(view[name])} @change=${(event) => set({ [name]: event.target.value })}></label>`;
  return html`<form class="experiment-filters" role="search" aria-label="Filter experiments" @submit=${(event) => event.preventDefault()}>
    <input class="input" type="search" maxlength="200" aria-label="Search names and descriptions" placeholder="Search…" .value=${live(view.search)}
      @input=${(event) => set({ search: event.target.value })}>
    ${choice("type", "Type", "Every type", kinds?.types)}${choice("status", "Status", "Every status", kinds?.statuses)}
    ${day("from", "From")}${day("to", "To")}
    <select class="input" aria-label="Order" @change=${(event) => set({ sort: event.target.value })}>
      ${Object.entries(SORTS).map(([sort, title]) => html`<option value=${sort} ?selected=${sort === view.sort}>${title}</option>`)}</select>
    <label class="check"><input type="checkbox" .checked=${live(view.deleted)} @change=${(event) => set({ deleted: event.target.checked })}> Deleted</label>
  </form>`;
}
