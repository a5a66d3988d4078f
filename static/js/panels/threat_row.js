/** One threat: a line that opens. */

import { bar } from "../dom/bar.js";
import { html, nothing } from "../dom/html.js";
import { percentText } from "../logic/threats.js";
import { featureTitle } from "../logic/status.js";
import { dayText, dueText } from "../logic/time.js";

/**
 * @param {object} threat
 * @param {object} state
 * @param {boolean} state.open the details are shown
 * @param {function(boolean): void} state.toggled told when the reader opens or closes it
 * @param {number} state.now
 */
export function threatRow(threat, { open, toggled, now }) {
  const due = dueText(threat.due_date, now);
  const addedOn = threat.date_added ?? threat.published;
  return html`<li class="threat">
    <details ?open=${open} @toggle=${(event) => toggled(event.target.open)}>
      <summary>
        <span class="threat__severity"><span class="severity severity--${threat.severity}">${threat.severity}</span></span>
        <span class="threat__what">
          <span class="threat__title">${threat.title}</span>
          <span class="threat__about"><span class="threat__id">${threat.id}</span>
            ${threat.ransomware ? html`<span class="tag tone--bad">Ransomware</span>` : nothing}
            <span class="threat__product">${[threat.vendor, threat.product].filter(Boolean).join(" · ")}</span></span>
        </span>
        <span class="threat__epss" title="Probability of exploitation in the next 30 days (EPSS)">${epss(threat)}</span>
        <span class="threat__when">
          <span class="threat__due ${due?.overdue ? "threat__due--over" : ""}">${due ? due.text : "no due date"}</span>
          <span title=${addedOn ?? ""}>${addedOn ? `added ${dayText(addedOn, now)}` : ""}</span>
        </span>
      </summary>
      ${open ? details(threat) : nothing}
    </details>
  </li>`;
}

function epss({ epss: score }) {
  if (score === null) return html`<span class="faint">no EPSS</span>`;
  return html`<span class="unseen">EPSS </span><span class="number">${percentText(score)}</span>${bar(score)}`;
}

function details(threat) {
  const facts = [
    ["Severity", `${threat.severity} (${threat.severity_basis})`],
    ["Priority", `${threat.priority} of 100`],
    ["Added", threat.date_added],
    ["Published", threat.published],
    ["Due", threat.due_date],
    ["EPSS percentile", threat.percentile === null ? "" : percentText(threat.percentile)],
    ["Weakness", threat.cwes.join(", ")],
    ["Sources", threat.sources.map(featureTitle).join(", ")],
  ].filter(([, value]) => value);
  return html`<div class="threat__details">
    ${threat.summary ? html`<p>${threat.summary}</p>` : nothing}
    ${threat.required_action ? html`<p><b>Required action</b> ${threat.required_action}</p>` : nothing}
    ${threat.priority_reasons.length
      ? html`<div><h3>Why it ranks here</h3><ul class="threat__reasons">${threat.priority_reasons.map((reason) => html`<li>${reason}</li>`)}</ul></div>`
      : nothing}
    <dl class="threat__facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    ${threat.references.length
      ? html`<div><h3>References</h3><ul class="threat__references">${threat.references.map((address) => html`<li>${reference(address)}</li>`)}</ul></div>`
      : nothing}
  </div>`;
}

/** A link only for web addresses; anything else stays text. */
export function reference(address, text = address) {
  return /^https?:\/\//i.test(address)
    ? html`<a href=${address} target="_blank" rel="noopener noreferrer">${text}</a>`
    : html`<span>${text}</span>`;
}
