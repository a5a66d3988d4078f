/** The form for a new experiment. What is wrong is said beside its field; nothing typed is lost. */

import { openDialog } from "../dom/dialog.js";
import { html, nothing } from "../dom/html.js";
import { problemTemplate } from "../dom/frame.js";
import { lostProblem, toProblem } from "../logic/problems.js";
import { nameText, parseParameters, TYPES } from "../logic/summary.js";
import { post } from "../net/rest.js";

/** @returns {Promise<object|null>} the experiment as the server made it; null when it was cancelled */
export function newExperiment(app) {
  let faults = {};
  let problem = null;

  const field = (name, title, control, hint = "") => html`<label class="field">
    <span class="field__label">${title}</span>${control}
    ${faults[name] ? html`<span class="field__error" role="alert">${faults[name]}</span>` : hint ? html`<span class="field__hint">${hint}</span>` : nothing}
  </label>`;
  const wrong = (name) => (faults[name] ? "true" : "false");

  const template = (close) => html`<h2>New experiment</h2>
    ${problem ? problemTemplate(problem, app.session.now(), null) : nothing}
    ${field("name", "Name", html`<input name="name" required maxlength="200" autocomplete="off" aria-invalid=${wrong("name")}>`)}
    ${field("experiment_type", "Type", html`<select name="experiment_type" aria-invalid=${wrong("experiment_type")}>
      ${TYPES.map((type) => html`<option value=${type}>${nameText(type)}</option>`)}</select>`)}
    ${field("description", "Description", html`<textarea name="description" maxlength="4000" rows="3" aria-invalid=${wrong("description")}></textarea>`, "Optional")}
    ${field("parameters", "Parameters", html`<textarea class="mono" name="parameters" rows="3" spellcheck="false" aria-invalid=${wrong("parameters")}></textarea>`, 'Optional: one JSON object, such as {"depth": 2}')}
    <div class="dialog__actions"><button type="button" class="button" @click=${() => close(null)}>Cancel</button>
      <button class="button button--primary">Create</button></div>`;

  const read = async ({ elements }, redraw) => {
    const parameters = parseParameters(elements.parameters.value);
    faults = parameters.error ? { parameters: parameters.error } : {};
    problem = null;
    if (parameters.error) return redraw();
    try {
      return await post("/api/experiments", {
        name: elements.name.value,
        experiment_type: elements.experiment_type.value,
        description: elements.description.value,
        parameters: parameters.value,
      });
    } catch (refusal) {
      problem = refusal ? toProblem(refusal, app.session.now()) : lostProblem("It was not created");
      faults = problem.fields;
      return redraw();
    }
  };
  return openDialog(template, read);
}
