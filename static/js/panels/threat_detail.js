/** What is known of one threat: why it ranks where it does, which source says what, references, indicators. */

import { html, nothing } from "../dom/html.js";
import { featureTitle } from "../logic/status.js";
import { percentText } from "../logic/threats.js";
import { agoText, countText, parseTime } from "../logic/time.js";
import { get } from "../net/rest.js";

const SAYS = {
  cwes: "weakness", date_added: "date added", due_date: "due date", epss_date: "", indicators: "indicators", known_exploited: "exploitation",
  rated: "severity", required_action: "required action", cvss: "", published: "date published", updated: "last change", references: "references",
};

/** What the server knows beyond the rows, by id: {state: loading|there|failed, data}. Asked for when a row is opened. */
export class Details {
  #held = new Map();
  #changed;

  /** @param {function(): void} changed told when an answer is there */
  constructor(changed) {
    this.#changed = changed;
  }

  of(id) {
    return this.#held.get(id) ?? { state: "loading", data: null };
  }

  /** Ask for one; an older answer stays on show meanwhile. */
  async load(id) {
    const before = this.of(id);
    if (!before.data) this.#held.set(id, { state: "loading", data: null });
    try {
      this.#held.set(id, { state: "there", data: await get(`/api/threats/${encodeURIComponent(id)}`) });
    } catch {
      this.#held.set(id, { state: "failed", data: before.data });
    }
    this.#changed();
  }
}

/**
 * @param {object} threat the row
 * @param {{state: string, data: object|null}} more see Details
 * @param {{now: number, search: function(string): void}} tools
 */
export function detailTemplate(threat, more, { now, search }) {
  return html`<div class="threat__details">
    ${threat.summary ? html`<p>${threat.summary}</p>` : nothing}
    ${threat.required_action ? html`<p><b>Required action</b> ${threat.required_action}</p>` : nothing}
    ${threat.priority_reasons.length ? html`<div><h3>Why it ranks here</h3>
      <ul class="threat__reasons">${threat.priority_reasons.map((reason) => html`<li>${reason}</li>`)}</ul></div>` : nothing}
    <dl class="threat__facts">${factsOf(threat).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    ${list("Tags", threat.tags, (tag) => html`<span class="tag">${tag}</span>`, "threat__tags")}
    ${list("About", threat.related, (id) => html`<button class="button button--small" @click=${() => search(id)}>${id}</button>`, "threat__tags")}
    ${provenance(threat, more, now)}
    ${indicators(threat, more)}
    ${list("References", threat.references, (address) => reference(address), "threat__references")}
  </div>`;
}

function factsOf(threat) {
  const { cvss } = threat;
  return [
    ["Id", [threat.id, ...(threat.aliases ?? [])].join(", ")],
    ["Severity", `${threat.severity} (${threat.severity_basis})`],
    ["Priority", `${threat.priority} of 100`],
    ["CVSS", cvss ? `${cvss.score.toFixed(1)} (version ${cvss.version}${cvss.source ? `, ${cvss.source}` : ""})` : ""],
    ["Vector", cvss?.vector ?? ""],
    ["EPSS percentile", threat.percentile === null || threat.percentile === undefined ? "" : percentText(threat.percentile)],
    ["Added", threat.date_added],
    ["Published", threat.published],
    ["Changed", (threat.updated ?? "").slice(0, 10)],
    ["Due", threat.due_date],
    ["Weakness", threat.cwes.join(", ")],
  ].filter(([, value]) => value);
}

/** One line for each source: when it confirmed the record, and what it adds to it. */
function provenance(threat, more, now) {
  const known = more?.data?.provenance;
  const head = html`<h3>Sources</h3>`;
  if (!known) {
    const told = more?.state === "failed" ? "Which of them says what cannot be shown at the moment." : "Asking which of them says what…";
    return html`<div>${head}<p>${threat.sources.map(featureTitle).join(", ")}. <span class="faint">${told}</span></p></div>`;
  }
  return html`<div>${head}<ul class="threat__sources">${known.map((each) => html`<li>
    <b>${each.url ? reference(each.url, each.title) : each.title}</b>
    ${each.status === "live" ? nothing : html`<span class="tag tone--stale">${each.status}</span>`}
    <span>${each.as_of ? `confirmed ${agoText(parseTime(each.as_of), now)}` : "not confirmed"}</span>
    <span class="faint">${saysText(each)}</span></li>`)}</ul></div>`;
}

function saysText({ says, cvss }) {
  const words = says.map((name) => SAYS[name] ?? name).filter(Boolean);
  if (cvss) words.unshift(`CVSS ${cvss.score.toFixed(1)} (${cvss.version})`);
  return words.join(", ");
}

/** What a source tells of for its context only is no sign of an attack by itself. */
function indicator({ type, value, use }) {
  return html`<li><span class="faint">${type}</span> <code>${value}</code>${use === "context" ? html` <span class="faint">context only</span>` : nothing}</li>`;
}

function indicators(threat, more) {
  const total = threat.indicator_count ?? 0;
  if (!total) return nothing;
  const known = more?.data?.indicators ?? [];
  const note = known.length < total && known.length ? `, the first ${known.length}` : "";
  return html`<div><h3>${countText(total, "indicator")}${note} <span class="faint">(defanged)</span></h3>
    <ul class="threat__indicators">${known.map(indicator)}</ul></div>`;
}

function list(title, values, each, name) {
  if (!values?.length) return nothing;
  return html`<div><h3>${title}</h3><ul class=${name}>${values.map((value) => html`<li>${each(value)}</li>`)}</ul></div>`;
}

/** A link only for web addresses; anything else stays text. */
export function reference(address, text = address) {
  return /^https?:\/\//i.test(address)
    ? html`<a href=${address} target="_blank" rel="noopener noreferrer">${text}</a>`
    : html`<span>${text}</span>`;
}
