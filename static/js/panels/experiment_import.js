/** Taking experiments in from a file, and what became of each row. */

import { problemTemplate } from "../dom/frame.js";
import { openDialog } from "../dom/dialog.js";
import { html, nothing } from "../dom/html.js";
import { fileType, importOutcome } from "../logic/experiments.js";
import { lostProblem, toProblem } from "../logic/problems.js";
import { upload } from "../net/rest.js";

const SHOWN = 100;

/** @returns {Promise<boolean>} whether anything was taken in */
export async function importFile(app) {
  let problem = null;
  let outcome = null;
  let working = false;

  const choose = () => html`<p>A CSV file with the columns <code>name</code> and <code>experiment_type</code>, or a JSON list. A row whose
      <code>id</code> exists is skipped, so a file may be taken in twice.</p>
    <label class="field"><span class="field__label">File</span><input name="file" type="file" accept=".csv,.json" required></label>`;
  const shown = () => html`<p role="status">${outcome.text}</p>
    ${outcome.skipped.length
      ? html`<div class="import__skipped" tabindex="0" role="region" aria-label="Skipped rows"><table class="data"><thead><tr><th scope="col" class="number">Row</th>
          <th scope="col">Why it was skipped</th></tr></thead><tbody>${outcome.skipped.slice(0, SHOWN).map(({ row, reason }) => html`<tr><td class="number">${row}</td><td>${reason}</td></tr>`)}</tbody></table>
          ${outcome.skipped.length > SHOWN ? html`<p class="faint">And ${outcome.skipped.length - SHOWN} more.</p>` : nothing}</div>`
      : nothing}`;
  const template = (close) => html`<h2>Import experiments</h2>
    ${problem ? problemTemplate(problem, app.session.now(), null) : nothing}
    ${outcome ? shown() : choose()}
    <div class="dialog__actions">${outcome
      ? html`<button type="button" class="button button--primary" @click=${() => close(true)}>Done</button>`
      : html`<button type="button" class="button" @click=${() => close(false)}>Cancel</button><button class="button button--primary" ?disabled=${working}>${working ? "Taking in…" : "Import"}</button>`}</div>`;

  const read = async ({ elements }, redraw) => {
    if (outcome) return true;
    const file = elements.file.files[0];
    const type = fileType(file?.name ?? "");
    problem = type ? null : toProblem({ error: "This is not a file to import", message: "Choose a .csv or a .json file." });
    if (!type) return redraw();
    working = true;
    redraw();
    try {
      outcome = importOutcome(await upload("/api/experiments/import", file, type));
    } catch (refusal) {
      if (refusal instanceof Error) throw refusal;
      problem = refusal ? toProblem(refusal, app.session.now()) : lostProblem("It is not known whether it was taken in");
      problem = { ...problem, message: [problem.message, ...Object.values(problem.fields)].filter(Boolean).join(" ") };
    }
    working = false;
    return redraw();
  };
  return Boolean((await openDialog(template, read)) || outcome);
}
