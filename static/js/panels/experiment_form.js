/** The form for an experiment, new or to be changed. What is wrong is said beside its field; nothing typed is lost. */

import { openDialog } from "../dom/dialog.js";
import { html, nothing } from "../dom/html.js";
import { problemTemplate } from "../dom/frame.js";
import { lostProblem, toProblem } from "../logic/problems.js";
import { nameText, parseParameters, TYPES } from "../logic/summary.js";
import { patch, post } from "../net/rest.js";

/** @returns {Promise<object|null>} the experiment as the server made it; null when it was cancelled */
export const newExperiment = (app) => experimentForm(app, {});

/**
 * @param {object} app
 * @param {object} given
 * @param {object} [given.experiment] to be changed; a new one without
 * @param {Array<string>} [given.types]
 * @param {Array<string>} [given.statuses] not asked for without
 * @returns {Promise<object|null>} the experiment as the server has it now; null when it was cancelled
 */
export function experimentForm(app, { experiment = null, types = TYPES, statuses = [] }) {
  const was = experiment ?? { name: "", description: "", parameters: {} };
  let faults = {};
  let problem = null;

  const field = (name, title, control, hint = "") => html`<label class="field">
    <span class="field__label">${title}</span>${control}
    ${faults[name] ? html`<span class="field__error" role="alert">${faults[name]}</span>` : hint ? html`<span class="field__hint">${hint}</span>` : nothing}
  </label>`;
  const wrong = (name) => (faults[name] ? "true" : "false");

  const template = (close) => html`<h2>${experiment ? "Edit experiment" : "New experiment"}</h2>
    ${problem ? problemTemplate(problem, app.session.now(), null) : nothing}
    ${field("name", "Name", html`<input name="name" required maxlength="200" autocomplete="off" .defaultValue=${was.name} aria-invalid=${wrong("name")}>`)}
    ${field("experiment_type", "Type", html`<select name="experiment_type" aria-invalid=${wrong("experiment_type")}>
      ${types.map((type) => html`<option value=${type} .defaultSelected=${type === was.experiment_type}>${nameText(type)}</option>`)}</select>`)}
    ${statuses.length
      ? field("status", "Status", html`<select name="status" aria-invalid=${wrong("status")}>
          ${statuses.map((status) => html`<option value=${status} .defaultSelected=${status === was.status}>${nameText(status)}</option>`)}</select>`)
      : nothing}
    ${field("description", "Description", html`<textarea name="description" maxlength="4000" rows="3" .defaultValue=${was.description ?? ""} aria-invalid=${wrong("description")}></textarea>`, "Optional")}
    ${field("parameters", "Parameters", html`<textarea class="mono" name="parameters" rows="3" spellcheck="false" .defaultValue=${parametersText(was.parameters)} aria-invalid=${wrong("parameters")}></textarea>`, 'Optional: one JSON object, such as {"depth": 2}')}
    <div class="dialog__actions"><button type="button" class="button" @click=${() => close(null)}>Cancel</button>
      <button class="button button--primary">${experiment ? "Save" : "Create"}</button></div>`;

  const read = async ({ elements }, redraw) => {
    const parameters = parseParameters(elements.parameters.value);
    faults = parameters.error ? { parameters: parameters.error } : {};
    problem = null;
    if (parameters.error) return redraw();
    try {
      const written = {
        name: elements.name.value,
        experiment_type: elements.experiment_type.value,
        description: elements.description.value,
        parameters: parameters.value,
        ...(elements.status ? { status: elements.status.value } : {}),
      };
      return await (experiment ? patch(`/api/experiments/${experiment.id}`, written) : post("/api/experiments", written));
    } catch (refusal) {
      problem = refusal ? toProblem(refusal, app.session.now()) : lostProblem(experiment ? "It was not saved" : "It was not created");
      faults = problem.fields;
      return redraw();
    }
  };
  return openDialog(template, read);
}

/** Parameters as text to edit; nothing for none. */
function parametersText(parameters) {
  return Object.keys(parameters ?? {}).length ? JSON.stringify(parameters, null, 2) : "";
}
