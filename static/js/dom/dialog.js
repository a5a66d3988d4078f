/** Questions to the reader in a modal dialog. Each resolves when it is closed; Escape is a no. */

import { html, nothing, render } from "./html.js";

/** @returns {Promise<boolean>} */
export function confirmAction({ title, text, action, danger = false }) {
  return openDialog((close) => html`<h2>${title}</h2><p>${text}</p>${actions(action, danger, () => close(false))}`, () => true).then(Boolean);
}

/** @returns {Promise<string|null>} the text, trimmed; null when it was cancelled */
export function askText({ title, text = "", label, value = "", action, danger = false, maxlength = 300 }) {
  return openDialog(
    (close) => html`<h2>${title}</h2>${text ? html`<p>${text}</p>` : nothing}
      <label class="field"><span class="field__label">${label}</span>
        <input name="text" required maxlength=${maxlength} .value=${value} autocomplete="off"></label>
      ${actions(action, danger, () => close(null))}`,
    (form) => form.elements.text.value.trim() || null,
  );
}

function actions(action, danger, cancel) {
  return html`<div class="dialog__actions"><button type="button" class="button" @click=${cancel}>Cancel</button>
    <button class="button ${danger ? "button--danger" : "button--primary"}">${action}</button></div>`;
}

/**
 * Open a form in a dialog.
 *
 * @param {function} template (close, redraw) → content of the form
 * @param {function} read (form) → what to resolve with; undefined keeps the dialog open
 */
export function openDialog(template, read) {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  document.body.append(dialog);
  return new Promise((resolve) => {
    let result = null;
    const close = (value) => {
      result = value;
      dialog.close();
    };
    let reading = false;
    const submit = async (event) => {
      event.preventDefault();
      if (reading) return; // pressed twice is meant once
      reading = true;
      try {
        const value = await read(event.target, redraw);
        if (value !== undefined) close(value);
      } finally {
        reading = false;
      }
    };
    const redraw = () => {
      render(html`<form method="dialog" @submit=${submit}>${template(close, redraw)}</form>`, dialog);
    };
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(result);
    });
    redraw();
    dialog.setAttribute("aria-label", dialog.querySelector("h2").textContent);
    dialog.showModal();
    // never on what destroys something: an Enter that is held a moment too long would do it
    const first = dialog.querySelector("input, select, textarea, .button--primary") ?? dialog.querySelector(".button");
    first?.focus();
  });
}
