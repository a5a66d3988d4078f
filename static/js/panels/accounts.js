/** Who can sign in: list, add, role, disable, password. What is taken from somebody holds for their open pages too. */

import { blank } from "../dom/blank.js";
import { confirmAction, openDialog } from "../dom/dialog.js";
import { problemTemplate } from "../dom/frame.js";
import { html, live, nothing, repeat } from "../dom/html.js";
import { accountRow, nameFault, passwordFault, ROLES } from "../logic/accounts.js";
import { lostProblem, toProblem } from "../logic/problems.js";
import { countText } from "../logic/time.js";
import { patch, post } from "../net/rest.js";
import { Poll } from "../state/poll.js";
import { mountPanel } from "./panel.js";

const EVERY_MS = 30_000;
const TTL = 70;

export function mountAccounts(app) {
  const { session } = app;
  const own = document.body.dataset.user ?? "";
  const poll = new Poll(app, { name: "accounts", path: "/api/accounts", every: EVERY_MS, take: (answer) => ({ ...answer, ttl: TTL }) });
  const panel = mountPanel(app, {
    name: "accounts",
    retry: () => poll.ask(),
    facts: (data) => ({ ...data, loaded: true, count: data.total }),
    extra: (data) => (data ? [countText(data.total, "account"), data.kind === "supabase" ? "kept by Supabase" : "kept here"] : []),
    body,
  });
  panel.frame.draw("tools", html`<button class="button button--small" @click=${add}>Add account</button>`);

  const kind = () => app.store.get("accounts").data?.kind ?? "local";

  /** Do it, say so, and show what came of it; null where it was refused, which is said too. */
  async function act(send, done) {
    try {
      const answer = await send();
      app.toasts.show({ level: "success", message: done(answer) });
      poll.ask();
      return answer;
    } catch (refusal) {
      if (refusal instanceof Error) throw refusal;
      app.toasts.problem(refusal ? toProblem(refusal, session.now()) : lostProblem("Nothing was changed"));
      poll.ask();
      return null;
    }
  }

  const change = (row, changes, done) => act(() => patch(`/api/accounts/${encodeURIComponent(row.id)}`, changes), done);

  async function setRole(row, select) {
    const role = select.value;
    const text = "It holds at once, for the pages they have open too.";
    if (await confirmAction({ title: `Make ${row.name} ${role}?`, text, action: "Change role" })) {
      await change(row, { role }, () => `${row.name} is ${role} now.`);
    }
    panel.redraw();
  }

  async function disable(row) {
    const text = "Everything they have open ends within seconds, and they do not come in any more until they are enabled again.";
    if (await confirmAction({ title: `Disable ${row.name}?`, text, action: "Disable", danger: true })) {
      await change(row, { status: "disabled" }, () => `${row.name} is disabled.`);
    }
  }

  const enable = (row) => change(row, { status: "active" }, () => `${row.name} can sign in again.`);

  async function add() {
    const made = await accountForm(app, kind());
    if (!made) return;
    app.toasts.show({ level: "success", message: `${made.name} can sign in as ${made.role}.` });
    poll.ask();
    if (made.password) await showPassword(made);
  }

  async function setPassword(row) {
    const text = "A new one is made and shown to you, this once. Everything they have open ends.";
    if (!(await confirmAction({ title: `New password for ${row.name}?`, text, action: "Make a password" }))) return;
    const path = `/api/accounts/${encodeURIComponent(row.id)}/password`;
    const answer = await act(() => post(path, {}), () => `${row.name} has a new password.`);
    if (answer?.password) await showPassword(answer);
  }

  function body({ data }) {
    if (!data) return blank("Not loaded", "The accounts could not be loaded.");
    if (!data.total) {
      const make = html`<button class="button" @click=${add}>Add account</button>`;
      return blank("Nobody has an account", "The link printed at the start signs the administrator in; accounts are for everybody else.", make);
    }
    const now = session.now();
    return html`<ul class="accounts__list">${repeat(data.accounts, ({ id }) => id, (account) => line(accountRow(account, now, own)))}</ul>`;
  }

  function line(row) {
    return html`<li class="account">
      <div class="account__who"><span class="account__name">${row.name}</span><span class="tag tone--${row.tone}">${row.statusText}</span>
        <span class="account__seen">${row.seenText}</span></div>
      ${row.own
        ? html`<span class="account__own">${row.roleText}, that is you</span>`
        : html`<select class="input account__role" aria-label="Role of ${row.name}" .value=${live(row.role)} @change=${(event) => setRole(row, event.target)}>
            ${row.role ? nothing : html`<option value="" selected disabled>no role</option>`}
            ${ROLES.map((role) => html`<option value=${role} ?selected=${role === row.role}>${role}</option>`)}</select>
          <div class="account__actions"><button class="button button--small" @click=${() => setPassword(row)}>New password</button>
            ${row.active
              ? html`<button class="button button--small button--danger" @click=${() => disable(row)}>Disable</button>`
              : html`<button class="button button--small" @click=${() => enable(row)}>Enable</button>`}</div>`}
    </li>`;
  }
}

/** @returns {Promise<object|null>} the account as the server made it; null when it was cancelled */
function accountForm(app, kind) {
  let faults = {};
  let problem = null;
  const field = (name, title, control, hint) => html`<label class="field"><span class="field__label">${title}</span>${control}
    ${faults[name] ? html`<span class="field__error" role="alert">${faults[name]}</span>` : html`<span class="field__hint">${hint}</span>`}</label>`;
  const wrong = (name) => (faults[name] ? "true" : "false");
  const template = (close) => html`<h2>Add account</h2>
    ${problem ? problemTemplate(problem, app.session.now(), null) : nothing}
    ${field("name", kind === "supabase" ? "E-mail" : "Name", html`<input name="name" required maxlength="254" autocomplete="off" autocapitalize="none" spellcheck="false" aria-invalid=${wrong("name")}>`, "What they type to sign in")}
    <label class="field"><span class="field__label">Role</span>
      <select name="role">${ROLES.map((role) => html`<option value=${role}>${role}</option>`)}</select></label>
    ${field("password", "Password", html`<input name="password" type="password" maxlength="256" autocomplete="new-password" aria-invalid=${wrong("password")}>`, "Leave it empty and one is made and shown to you, once")}
    <div class="dialog__actions"><button type="button" class="button" @click=${() => close(null)}>Cancel</button>
      <button class="button button--primary">Add</button></div>`;

  const read = async ({ elements }, redraw) => {
    const [name, role, password] = ["name", "role", "password"].map((part) => elements[part].value);
    const found = { name: nameFault(name, kind), password: passwordFault(password) };
    faults = found;
    problem = null;
    if (found.name || found.password) return redraw();
    try {
      return await post("/api/accounts", { name, role, ...(password ? { password } : {}) });
    } catch (refusal) {
      problem = refusal ? toProblem(refusal, app.session.now()) : lostProblem("It was not added");
      faults = problem.fields ?? {};
      return redraw();
    }
  };
  return openDialog(template, read);
}

/** Show a password that was made; it is nowhere else. */
function showPassword({ name, password }) {
  return openDialog(
    () => html`<h2>Password for ${name}</h2><p>It is shown this once. Give it to them in a way that nobody else reads.</p>
      <label class="field"><span class="field__label">Password</span><input class="mono" readonly .value=${password} @focus=${(event) => event.target.select()}></label>
      <div class="dialog__actions"><button class="button button--primary">Done</button></div>`,
    () => true,
  );
}
