/** The public status page keeps itself up to date, and says so when it cannot. */

import { agoText } from "./logic/time.js";

const EVERY_MS = 20_000;
/** Older than this (ms) it is out of date: three questions in a row had no answer. */
const OUTDATED_MS = 75_000;

const age = document.querySelector('[data-part="age"]');
const verdict = document.querySelector('[data-part="verdict"]');
let confirmedAt = performance.now();
let known = null;

/** The same report confirms what is shown; another one loads the page again. */
async function look() {
  if (document.hidden) return;
  try {
    const response = await fetch("/status.json", { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) return;
    const { health, features, incidents } = await response.json();
    const now = JSON.stringify({ health, features, incidents });
    if (health !== verdict.dataset.health || (known !== null && now !== known)) return location.reload();
    known = now;
    confirmedAt = performance.now();
  } catch {
    // no answer: the page grows old, which it shows
  }
}

function tick() {
  const old = performance.now() - confirmedAt;
  age.textContent = `, confirmed ${agoText(0, old)}`;
  verdict.classList.toggle("report__head--outdated", old > OUTDATED_MS);
}

setInterval(tick, 1000);
setInterval(look, EVERY_MS);
document.addEventListener("visibilitychange", look);
tick();
look();
