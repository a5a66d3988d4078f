/** One's own experiments (an administrator's: everybody's): a list with filters in the URL, and what can be done with each. */

import { blank, skeleton, working } from "../dom/blank.js";
import { confirmAction } from "../dom/dialog.js";
import { html, nothing, repeat } from "../dom/html.js";
import { doneToast, exportPath, isNarrowed, listPath, PAGE, remarks, takeExperiments } from "../logic/experiments.js";
import { waitingText } from "../logic/freshness.js";
import { lostProblem, toProblem } from "../logic/problems.js";
import { nameText, STATUS_TONES } from "../logic/summary.js";
import { agoText, momentText, numberText, parseTime } from "../logic/time.js";
import { post, remove } from "../net/rest.js";
import { Poll } from "../state/poll.js";
import { filters } from "./experiment_filters.js";
import { experimentForm } from "./experiment_form.js";
import { importFile } from "./experiment_import.js";
import { mountPanel } from "./panel.js";

const EVERY_MS = 30_000;
const CLEAR = { search: "", type: "", status: "", from: "", to: "" };

export function mountExperiments(app) {
  const { store, session, view } = app;
  const mayWrite = app.role !== "viewer";
  let cursors = [null]; // of the pages so far; the last one is shown
  const path = () => listPath(view.get(), cursors.at(-1));
  const take = (answer) => ({ ...takeExperiments(answer), page: cursors.length, view: view.get() });
  const poll = new Poll(app, { name: "experiments", path, every: EVERY_MS, take });
  const panel = mountPanel(app, {
    name: "experiments",
    retry: () => poll.ask(),
    facts: (data) => ({ ...data, loaded: true, count: data.experiments.length, partial: data.damaged > 0 || data.queued > 0 }),
    watch: ["view"],
    body,
  });
  const tools = () => panel.frame.draw("tools", buttons());
  store.watch(["view"], () => {
    cursors = [null];
    poll.ask();
    tools();
  });
  // the last row of the last page is gone: that page is, too
  store.watch(["experiments"], (_, { data }) => data && !data.experiments.length && data.page === cursors.length && data.page > 1 && turn(null));
  session.on("summary_update", () => poll.ask()); // pushed after each change, whoever made it
  tools();

  function buttons() {
    const download = (format) => html`<a class="button button--small" href=${exportPath(view.get(), format)} download>Export ${format.toUpperCase()}</a>`;
    return html`${mayWrite
      ? html`<button class="button button--small button--primary" @click=${() => write(null)}>New experiment</button>
          <button class="button button--small" @click=${takeIn}>Import…</button>`
      : nothing}${download("csv")}${download("json")}`;
  }

  async function write(experiment) {
    const kinds = store.get("experiments").data ?? {};
    const written = await experimentForm(app, { experiment, types: kinds.types, statuses: kinds.statuses });
    if (written) told(experiment ? "changed" : "created", written);
  }

  async function takeIn() {
    if (await importFile(app)) poll.ask();
  }

  async function act(what, send) {
    try {
      told(what, await send());
    } catch (refusal) {
      if (refusal instanceof Error) throw refusal;
      app.toasts.problem(refusal ? toProblem(refusal, session.now()) : lostProblem(`It was not ${what}`));
    }
  }

  function told(what, experiment) {
    app.toasts.show(doneToast(what, experiment));
    poll.ask();
  }

  async function discard({ id, name }) {
    const text = "For 30 days it can be restored: show the deleted ones to find it.";
    const sure = await confirmAction({ title: `Delete “${name}”?`, text, action: "Delete", danger: true });
    if (sure) await act("deleted", () => remove(`/api/experiments/${id}`));
  }

  const restore = ({ id }) => act("restored", () => post(`/api/experiments/${id}/restore`));

  function turn(to) {
    if (to === null) cursors.pop();
    else if (to !== cursors.at(-1)) cursors.push(to); // pressed twice is one page further
    poll.ask();
  }

  function body({ data, asking, since }, { state }) {
    const chosen = view.get();
    const found = data ? rows(data) : state === "loading" ? skeleton(8, waitingText(since, session.now())) : blank("No experiments to show", "They could not be loaded.");
    const notes = data ? remarks(data).map((text) => html`<p class="experiments__remark">${text}</p>`) : nothing;
    return html`${working(asking)}${filters(chosen, (fields) => view.set(fields), data)}${notes}${found}`;
  }

  /** The rows are of the view that was asked for: its buttons stay with them until there are others. */
  function rows(data) {
    if (!data.experiments.length) return none(data.view);
    const now = session.now();
    return html`<table class="data experiments__table"><thead><tr><th scope="col">Name</th><th scope="col">Type</th><th scope="col">Status</th>
        <th scope="col">Created</th><th scope="col"><span class="unseen">Actions</span></th></tr></thead>
      <tbody>${repeat(data.experiments, ({ id }) => id, (one) => row(one, now, data.view.deleted))}</tbody></table>${pages(data)}`;
  }

  function none(chosen) {
    if (isNarrowed(chosen)) {
      return blank("Nothing found", "No experiment fits these filters.", html`<button class="button" @click=${() => view.set(CLEAR)}>Clear the filters</button>`);
    }
    if (chosen.deleted) return blank("Nothing is deleted", "What you delete can be restored here for 30 days.");
    const action = mayWrite ? html`<button class="button" @click=${() => write(null)}>New experiment</button>` : nothing;
    const text = mayWrite ? "Plan a security scan, a chaos drill, an A/B test or a benchmark, or import a file." : "Planning one needs the role analyst.";
    return blank("No experiments yet", text, action);
  }

  function row(one, now, deleted) {
    return html`<tr><td class="experiments__what"><span class="experiments__name">${one.name}</span>
        ${one.description ? html`<span class="experiments__about">${one.description}</span>` : nothing}</td>
      <td>${nameText(one.experiment_type)}</td>
      <td><span class="tag tone--${STATUS_TONES[one.status] ?? "off"}">${nameText(one.status)}</span>
        ${one.queued ? html`<span class="tag tone--warn" title="Kept, and written when the database is back">waits</span>` : nothing}</td>
      <td><time datetime=${one.created_at} title=${momentText(parseTime(one.created_at))}>${agoText(parseTime(one.created_at), now)}</time></td>
      <td class="experiments__actions">${mayWrite ? actions(one, deleted) : nothing}</td></tr>`;
  }

  function actions(one, deleted) {
    const named = (word) => `${word} ${one.name}`;
    if (deleted) return html`<button class="button button--small" aria-label=${named("Restore")} @click=${() => restore(one)}>Restore</button>`;
    return html`<button class="button button--small" aria-label=${named("Edit")} @click=${() => write(one)}>Edit</button>
      <button class="button button--small button--danger" aria-label=${named("Delete")} @click=${() => discard(one)}>Delete</button>`;
  }

  function pages({ total, next, experiments, page }) {
    const first = (page - 1) * PAGE + 1;
    return html`<nav class="experiments__foot" aria-label="Pages of the list">
      <span>${numberText(first)} to ${numberText(first + experiments.length - 1)} of ${numberText(total)}</span>
      <span class="experiments__turn"><button class="button button--small" ?disabled=${page === 1} @click=${() => turn(null)}>Back</button>
      <button class="button button--small" ?disabled=${!next} @click=${() => turn(next)}>Further</button></span></nav>`;
  }
}
