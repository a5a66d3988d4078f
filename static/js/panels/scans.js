/** One's scans: upload, progress, and the findings of the one that is open. */

import { blank, skeleton, working } from "../dom/blank.js";
import { confirmAction } from "../dom/dialog.js";
import { html, nothing, repeat } from "../dom/html.js";
import { waitingText } from "../logic/freshness.js";
import { isIncomplete, sizeText } from "../logic/scans.js";
import { ALL_THREATS } from "../logic/threat_view.js";
import { countText } from "../logic/time.js";
import { Scans } from "../state/scans.js";
import { bar } from "../dom/bar.js";
import { findingsTemplate } from "./findings.js";
import { mountPanel } from "./panel.js";
import { keepFresh } from "./revalidate.js";
import { scanRow } from "./scan_row.js";

const READS = "SARIF, Trivy, Grype, Nuclei, CycloneDX, or a list of CVE ids";

export function mountScans(app) {
  const { store, session, view } = app;
  const mayWrite = app.role !== "viewer";
  const scans = new Scans(app);
  const opened = new Set();
  let over = 0;

  const panel = mountPanel(app, {
    name: "scans",
    retry: () => scans.ask(),
    facts: (data) => ({ ...data, count: data.scans.length, sources: [], partial: data.scans.some(isIncomplete) }),
    extra: (data) => (data?.loaded ? [countText(data.total, "scan")] : []),
    body,
  });
  keepFresh(app, "scans", () => scans.ask());
  store.watch(["view"], (_, now, before) => now.scan !== before?.scan && openOf(now.scan));
  openOf(view.get().scan);
  if (mayWrite) {
    panel.frame.draw("tools", html`<label class="button button--small scans__choose">Upload a report
      <input type="file" class="unseen" multiple @change=${(event) => chosen(event.target)}></label>`);
    takeDrops(document.getElementById("scans"));
  }

  function openOf(id) {
    opened.clear();
    scans.open(id || null);
  }

  function body({ data, asking, since, uploads, open }, { state }) {
    if (state === "loading") return skeleton(4, waitingText(since, session.now()));
    if (!data.loaded) return blank("No scans to show", "They could not be read.");
    if (!data.scans.length && !uploads.length) return [working(asking), none()];
    return html`${working(asking)}
      ${uploads.length ? html`<ul class="scans__uploads">${repeat(uploads, ({ key }) => key, sending)}</ul>` : nothing}
      <ul class="scans__list">${repeat(data.scans, ({ id }) => id, (scan) => row(scan, data.progress[scan.id], open))}</ul>
      ${data.cursor ? html`<div class="scans__foot"><button class="button button--small" @click=${() => scans.ask(true)}>Load more</button></div>` : nothing}`;
  }

  function row(scan, progress, open) {
    const isOpen = open?.id === scan.id;
    return scanRow(scan, progress, {
      open: isOpen,
      now: session.now(),
      mayWrite,
      toggled: (wanted) => wanted !== (store.get("scans").open?.id === scan.id) && view.set({ scan: wanted ? scan.id : "" }),
      cancel: () => scans.cancel(scan.id),
      inside: () => findingsTemplate(scan, open, {
        opened,
        mayWrite,
        now: session.now(),
        filter: (fields) => scans.open(scan.id, { ...store.get("scans").open.filters, ...fields }),
        more: () => scans.more(),
        rescan: () => scans.rescan(scan.id),
        remove: () => removed(scan),
        toThreat: (event, id) => toThreat(event, id),
        redraw: () => panel.redraw(),
      }),
    });
  }

  function none() {
    if (!mayWrite) return blank("No scans", "An analyst can upload a scanner's report here.");
    return html`<div class="blank scans__drop"><strong>No scans yet</strong>
      <span>Drop a scanner's report here or choose a file: ${READS}. It is joined with what is known to be exploited, and ranked.</span>
      <label class="button scans__choose">Choose a file<input type="file" class="unseen" multiple @change=${(event) => chosen(event.target)}></label></div>`;
  }

  function sending({ name, size, share, abort }) {
    return html`<li class="scans__upload"><span class="scan__name">${name}</span><span class="faint">${sizeText(size)}, ${Math.floor(share * 100)} % sent</span>
      <button class="button button--small button--quiet" @click=${abort}>Stop</button>
      <progress class="unseen" max="1" .value=${share} aria-label="Upload of ${name}"></progress>${bar(share)}</li>`;
  }

  function chosen(input) {
    for (const file of input.files) scans.send(file);
    input.value = "";
  }

  async function removed(scan) {
    const text = `“${scan.name}” and its ${countText(scan.findings, "finding")} are deleted for good.`;
    if (await confirmAction({ title: "Delete this scan?", text, action: "Delete", danger: true })) await scans.delete(scan.id);
  }

  function toThreat(event, id) {
    event.preventDefault();
    view.set({ ...ALL_THREATS, search: id });
    document.getElementById("threats").scrollIntoView();
  }

  /** A report may be dropped anywhere on the panel. */
  function takeDrops(section) {
    const carries = (event) => event.dataTransfer?.types.includes("Files");
    const mark = (by) => {
      over = Math.max(0, over + by);
      section.classList.toggle("scans--over", over > 0);
    };
    section.addEventListener("dragenter", (event) => carries(event) && mark(1));
    section.addEventListener("dragleave", (event) => carries(event) && mark(-1));
    section.addEventListener("dragover", (event) => carries(event) && event.preventDefault());
    section.addEventListener("drop", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      mark(-over);
      for (const file of event.dataTransfer.files) scans.send(file);
    });
  }
}

