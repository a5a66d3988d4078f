/** What every page has: the theme switch, signing out, times in the reader's zone. */

import { momentText, parseTime } from "./logic/time.js";
import { signOut } from "./net/rest.js";

const KEY = "jupiter.theme";

function mountThemes(themes) {
  const chosen = document.documentElement.dataset.theme ?? "system";
  themes.querySelector(`input[value="${chosen}"]`).checked = true;
  themes.hidden = false;
  themes.addEventListener("change", ({ target }) => choose(target.value));
}

function choose(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // without storage the choice holds for this page
  }
  document.dispatchEvent(new Event("themechange"));
}

function mountLogout(form) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await signOut();
    } catch {
      form.submit(); // what went wrong is told by the page that answers; nobody is to think that they are out
    }
  });
}

function localTimes() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const at = parseTime(time.dateTime);
    if (at === null) continue;
    time.title = time.textContent;
    time.textContent = momentText(at);
  }
}

const themes = document.querySelector('[data-part="themes"]');
const logout = document.querySelector('[data-part="logout"]');
if (themes) mountThemes(themes);
if (logout) mountLogout(logout);
localTimes();
