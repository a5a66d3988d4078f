/** One scan: a line that opens. */

import { bar } from "../dom/bar.js";
import { html, nothing } from "../dom/html.js";
import { bySeverity, FORMATS, isRunning, notes, progressText, resultText, sizeText, STATUS_TONES, takenIn } from "../logic/scans.js";
import { sentences } from "../logic/problems.js";
import { agoText, numberText } from "../logic/time.js";

/**
 * @param {object} scan
 * @param {object|undefined} progress newest scan_progress
 * @param {object} state {open, now, mayWrite, toggled, cancel, inside}
 */
export function scanRow(scan, progress, { open, now, mayWrite, toggled, cancel, inside }) {
  const running = isRunning(scan);
  return html`<li class="scan">
    <details ?open=${open} @toggle=${(event) => event.target === event.currentTarget && toggled(event.target.open)}>
      <summary>
        <span class="scan__what"><span class="scan__name">${scan.name}</span>
          <span class="scan__about">${FORMATS[scan.format] ?? scan.format}${scan.size ? ` · ${sizeText(scan.size)}` : ""} · ${agoText(takenIn(scan), now)}</span></span>
        <span class="scan__counts">${running ? nothing : counts(scan)}</span>
        <span class="tag tone--${STATUS_TONES[scan.status] ?? "off"}">${scan.status}</span>
      </summary>
      ${open && !running ? html`${fault(scan)}${notes(scan).map((note) => html`<p class="scan__note">${note}</p>`)}${inside()}` : nothing}
    </details>
    ${running ? under(scan, progress, mayWrite, cancel) : nothing}
  </li>`;
}

function counts(scan) {
  return html`${scan.known_exploited ? html`<span class="tag tone--bad">${numberText(scan.known_exploited)} known exploited</span>` : nothing}
    <span class="scan__result">${resultText(scan)}</span>
    <span class="scan__severities">${bySeverity(scan.by_severity).map(({ name, count }) => html`<span class="scan__severity" title="${count} ${name}"><i class="dot-severity dot-severity--${name}" aria-hidden="true"></i>${numberText(count)}<span class="unseen"> ${name}</span></span>`)}</span>`;
}

function under(scan, progress, mayWrite, cancel) {
  const share = progress?.share ?? 0;
  return html`<div class="scan__progress">
    <span class=${progress?.waiting ? "scan__waiting" : ""}>${progressText(progress)}</span>
    ${progress?.known_exploited ? html`<span class="tag tone--bad">${numberText(progress.known_exploited)} known exploited</span>` : nothing}
    ${mayWrite ? html`<button class="button button--small" @click=${cancel}>Cancel</button>` : nothing}
    <progress class="unseen" max="1" .value=${share} aria-label="Progress of ${scan.name}"></progress>${bar(share)}
  </div>`;
}

function fault({ error, findings }) {
  if (!error) return nothing;
  const what = typeof error.details === "string" ? error.details : "";
  const kept = findings ? `${numberText(findings)} findings were read before that.` : "";
  return html`<p class="scan__fault"><b>${error.message ?? error.error}</b> ${sentences(what, error.suggestion, kept)}</p>`;
}
