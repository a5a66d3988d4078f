/** The public status page keeps itself up to date, and says so when it cannot. */

import { agoText } from "./logic/time.js";

const EVERY_MS = 20_000;
/** Older than this (ms) it is out of date: three questions in a row had no answer. */
const OUTDATED_MS = 75_000;

const age = document.querySelector('[data-part="age"]');
const verdict = document.querySelector('[data-part="verdict"]');
let confirmedAt = performance.now();
/** What the page shows, as the server wrote it into it. */
const shown = JSON.parse(verdict.dataset.shown);

/** The same report confirms what is shown; another one loads the page again. */
async function look() {
  if (document.hidden) return;
  try {
    const response = await fetch("/status.json", { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) return;
    const { health, features } = await response.json();
    if (!same(shown, { health, features })) return location.reload();
    confirmedAt = performance.now();
  } catch {
    // no answer: the page grows old, which it shows
  }
}

/** Do two reports say the same, whatever the order of their parts? */
function same(one, other) {
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return one === other;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => same(one[name], other[name]));
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
