/** The filters above the threats. They are the URL's: a filtered list can be sent to somebody. */

import { html, live, nothing } from "../dom/html.js";
import { DEFAULT_SORT, foldedFilters, LIKELIHOODS, SEVERITIES, SORTS } from "../logic/threat_view.js";
import { percentText } from "../logic/threats.js";

const TYPING_MS = 250;

/**
 * @param {object} view the present view
 * @param {Array} sources ledger entries, for the choice of one
 * @param {function(object): void} change takes the fields to change
 */
export function filtersTemplate(view, sources, change) {
  return html`<form class="threat-filters" role="search" aria-label="Filter threats" @submit=${(event) => event.preventDefault()}>
    <input class="input" type="search" aria-label="Search id, vendor, product, text or indicator" placeholder="Search id, product, text, indicator…"
      maxlength="100" .value=${view.search} @input=${(event) => later("search", () => change({ search: event.target.value }))}>
    ${choice("Severity", view.severity, [["", "Any severity"], ...SEVERITIES.map((name) => [name, capital(name)])], (severity) => change({ severity }))}
    ${choice("Order", view.sort, Object.entries(SORTS), (sort) => change({ sort: sort || DEFAULT_SORT }))}
    ${tick("Exploited", view.exploited, (exploited) => change({ exploited }))}
    ${tick("Ransomware", view.ransomware, (ransomware) => change({ ransomware }))}
    ${folded(view, sources, change)}
  </form>`;
}

/** Filters that are needed now and then. */
function folded(view, sources, change) {
  const set = foldedFilters(view);
  const chosen = sources.filter(({ status }) => status !== "not_configured").map(({ name, title }) => [name, title ?? name]);
  if (view.source && !chosen.some(([name]) => name === view.source)) chosen.push([view.source, view.source]);
  return html`<details class="threat-filters__more" ?open=${set > 0}>
    <summary class="button button--small button--quiet">More filters${set ? html` <span class="tag tone--info">${set}</span>` : nothing}</summary>
    <div class="threat-filters__folded">
      ${choice("Source", view.source, [["", "Any source"], ...chosen], (source) => change({ source }))}
      <input class="input" type="search" aria-label="Vendor" placeholder="Vendor…" maxlength="100" .value=${view.vendor}
        @input=${(event) => later("vendor", () => change({ vendor: event.target.value }))}>
      ${choice("Least EPSS", view.epss, [["", "Any EPSS"], ...LIKELIHOODS.map((share) => [String(share), `EPSS ≥ ${percentText(share)}`])], (epss) => change({ epss }))}
      ${date("From", view.since, (since) => change({ since }))}
      ${date("To", view.until, (until) => change({ until }))}
    </div>
  </details>`;
}

function choice(label, value, options, change) {
  return html`<select class="input" aria-label=${label} .value=${live(value)} @change=${(event) => change(event.target.value)}>
    ${options.map(([name, text]) => html`<option value=${name} ?selected=${value === name}>${text}</option>`)}
  </select>`;
}

function tick(label, value, change) {
  return html`<label class="check"><input type="checkbox" .checked=${live(value)} @change=${(event) => change(event.target.checked)}> ${label}</label>`;
}

function date(label, value, change) {
  return html`<label class="check">${label} <input class="input" type="date" .value=${live(value)} @change=${(event) => change(event.target.value)}></label>`;
}

const timers = {};

/** Each field has a pause of its own, in which the view does not know yet what was typed. */
function later(name, action) {
  clearTimeout(timers[name]);
  timers[name] = setTimeout(action, TYPING_MS);
}

function capital(word) {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
