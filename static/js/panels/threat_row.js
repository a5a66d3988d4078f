/** One threat: a line that opens. */

import { bar } from "../dom/bar.js";
import { html, nothing } from "../dom/html.js";
import { percentText } from "../logic/threats.js";
import { dayText, dueText } from "../logic/time.js";
import { detailTemplate } from "./threat_detail.js";

/**
 * @param {object} threat
 * @param {object} state
 * @param {boolean} state.open the details are shown
 * @param {object|null} state.more what the server knows beyond the row, see Details
 * @param {function(boolean): void} state.toggled told when the reader opens or closes it
 * @param {function(string): void} state.search looks for words in the list
 * @param {number} state.now
 */
export function threatRow(threat, { open, more, toggled, search, now }) {
  const due = dueText(threat.due_date, now);
  return html`<li class="threat">
    <details ?open=${open} @toggle=${(event) => toggled(event.target.open)}>
      <summary>
        <span class="threat__severity"><span class="severity severity--${threat.severity}">${threat.severity}</span>
          ${threat.cvss ? html`<span class="threat__cvss" title="CVSS ${threat.cvss.version}">${threat.cvss.score.toFixed(1)}</span>` : nothing}</span>
        <span class="threat__what">
          <span class="threat__title">${threat.title}</span>
          <span class="threat__about"><span class="threat__id">${shortId(threat.id)}</span>
            ${threat.ransomware ? html`<span class="tag tone--bad">Ransomware</span>` : nothing}
            ${threat.known_exploited && !threat.ransomware ? html`<span class="tag tone--warn">Exploited</span>` : nothing}
            <span class="threat__product">${about(threat)}</span></span>
        </span>
        <span class="threat__epss" title="Probability of exploitation in the next 30 days (EPSS)">${epss(threat)}</span>
        <span class="threat__when">
          ${due ? html`<span class="threat__due ${due.overdue ? "threat__due--over" : ""}">${due.text}</span>` : nothing}
          ${since(threat, now)}
        </span>
      </summary>
      ${open ? detailTemplate(threat, more, { now, search }) : nothing}
    </details>
  </li>`;
}

function about({ vendor, product, indicator_count: indicators }) {
  const parts = [vendor, product, indicators ? `${indicators.toLocaleString("en-US")} indicators` : ""];
  return parts.filter(Boolean).join(" · ");
}

/** MISP's ids are too long for a line; the whole is in the details. */
function shortId(id) {
  return id.length > 24 ? `${id.slice(0, 18)}…` : id;
}

function since(threat, now) {
  const [word, on] = threat.date_added ? ["added", threat.date_added] : ["published", threat.published];
  return on ? html`<span title=${on}>${word} ${dayText(on, now)}</span>` : nothing;
}

function epss({ epss: score }) {
  if (score === null || score === undefined) return html`<span class="faint">no EPSS</span>`;
  return html`<span class="unseen">EPSS </span><span class="number">${percentText(score)}</span>${bar(score)}`;
}

export { reference } from "./threat_detail.js";
