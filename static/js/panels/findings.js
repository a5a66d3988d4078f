/** The findings of a scan: filters, rows that open, export. */

import { html, nothing, repeat } from "../dom/html.js";
import { problemTemplate } from "../dom/frame.js";
import { working } from "../dom/blank.js";
import { findingsQuery, SEVERITIES } from "../logic/scans.js";
import { percentText } from "../logic/threats.js";
import { countText, numberText } from "../logic/time.js";

const TYPING_MS = 250;
let timer = null;

/**
 * @param {object} scan
 * @param {object} open {filters, rows, total, cursor, asking, problem}
 * @param {object} acts {opened, mayWrite, now, filter, more, rescan, remove, toThreat, redraw}
 */
export function findingsTemplate(scan, open, acts) {
  return html`<div class="findings">${working(open.asking)}
    ${scan.findings ? tools(scan, open, acts) : nothing}
    ${open.problem ? problemTemplate(open.problem, acts.now, () => acts.filter({}), Boolean(open.rows.length)) : nothing}
    ${open.rows.length
      ? html`<ul class="findings__list">${repeat(open.rows, ({ id }) => id, (finding) => row(finding, acts))}</ul>`
      : html`<p class="findings__none">${open.asking || open.problem ? "" : none(scan, open)}</p>`}
    <div class="findings__foot"><span>${!open.total ? "" : `${numberText(open.rows.length)} of ${countText(open.total, "finding")} shown.`}</span>
      ${open.cursor ? html`<button class="button button--small" @click=${acts.more}>Load more</button>` : nothing}
      ${scan.findings || !acts.mayWrite ? nothing : html`<button class="button button--small" @click=${acts.remove}>Delete</button>`}</div>
  </div>`;
}

function none(scan, { filters }) {
  const filtered = filters.severity || filters.exploited || filters.search.trim();
  return filtered ? "No finding fits these filters." : "Nothing was found.";
}

function tools(scan, { filters }, acts) {
  const link = (format) => `/api/scans/${scan.id}/findings/export?${findingsQuery(filters, { format })}`;
  return html`<form class="findings__tools" role="search" aria-label="Filter findings" @submit=${(event) => event.preventDefault()}>
    <input class="input" type="search" aria-label="Search findings" placeholder="Search id, component, location…" maxlength="100"
      .value=${filters.search} @input=${(event) => typed(acts, event.target.value)}>
    <select class="input" aria-label="Severity of findings" @change=${(event) => acts.filter({ severity: event.target.value })}>
      ${["", ...SEVERITIES].map((name) => html`<option value=${name} ?selected=${filters.severity === name}>${name ? name.charAt(0).toUpperCase() + name.slice(1) : "Any severity"}</option>`)}
    </select>
    <label class="check"><input type="checkbox" ?checked=${filters.exploited} @change=${(event) => acts.filter({ exploited: event.target.checked })}> Known exploited</label>
    <span class="findings__acts">
      <a class="button button--small button--quiet" href=${link("csv")} download>CSV</a>
      <a class="button button--small button--quiet" href=${link("json")} download>JSON</a>
      ${acts.mayWrite && scan.status === "completed" ? html`<button type="button" class="button button--small" @click=${acts.rescan} title="Join with what is known today">Join anew</button>` : nothing}
      ${acts.mayWrite ? html`<button type="button" class="button button--small button--quiet" @click=${acts.remove}>Delete</button>` : nothing}
    </span></form>`;
}

function typed(acts, search) {
  clearTimeout(timer);
  timer = setTimeout(() => acts.filter({ search }), TYPING_MS);
}

function row(finding, acts) {
  const open = acts.opened.has(finding.id);
  const toggled = (event) => {
    if (event.target.open === acts.opened.has(finding.id)) return;
    if (event.target.open) acts.opened.add(finding.id);
    else acts.opened.delete(finding.id);
    acts.redraw();
  };
  return html`<li class="finding ${finding.known_exploited ? "finding--exploited" : ""}"><details ?open=${open} @toggle=${toggled}>
    <summary>
      <span class="severity severity--${finding.severity}">${finding.severity}</span>
      <span class="finding__what"><span class="finding__title">${finding.title}</span>
        <span class="finding__about"><span class="finding__id">${finding.vulnerability}</span>
          ${finding.known_exploited ? html`<span class="tag tone--bad">Known exploited</span>` : nothing}
          <span class="finding__component">${[finding.component, finding.version].filter(Boolean).join(" ")}</span></span>
        <span class="finding__why">${finding.reasons[0] ?? "Nothing more is known of it"}</span></span>
      <span class="finding__priority" title="Priority, 0 to 100"><span class="unseen">Priority </span>${finding.priority}</span>
    </summary>${open ? details(finding, acts) : nothing}</details></li>`;
}

function details(finding, acts) {
  const facts = [
    ["Where", finding.location],
    ["Fixed in", finding.fixed_version],
    ["CVSS", finding.cvss ? `${finding.cvss.score}${finding.cvss.says ? `, says ${finding.cvss.says}` : ""}` : ""],
    ["EPSS", finding.epss === null ? "" : percentText(finding.epss)],
    ["To be fixed by", finding.due_date],
    ["Also called", finding.aliases.join(", ")],
    ["Package", finding.purl],
  ].filter(([, value]) => value);
  return html`<div class="finding__details">
    ${finding.reasons.length ? html`<div><h3 class="small-title">Why it ranks here</h3><ul class="finding__reasons">${finding.reasons.map((reason) => html`<li>${reason}</li>`)}</ul></div>` : nothing}
    ${finding.description ? html`<p class="finding__text">${finding.description}</p>` : nothing}
    <dl class="finding__facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    ${finding.threat_id ? html`<a href="?q=${encodeURIComponent(finding.threat_id)}#threats" @click=${(event) => acts.toThreat(event, finding.threat_id)}>Its threat record</a>` : nothing}
    ${finding.references.length ? html`<ul class="finding__references">${finding.references.map((address) => html`<li><a href=${address} target="_blank" rel="noopener noreferrer nofollow">${address}</a></li>`)}</ul>` : nothing}
  </div>`;
}
