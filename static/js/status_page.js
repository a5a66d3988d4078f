/** The public status page says its own age, and that it is out of date when it could not be loaded again. */

import { agoText, parseTime } from "./logic/time.js";

/** The page reloads itself after 60 s; older than this (ms), that has failed. */
const OUTDATED = 90_000;

const opened = Date.now();
const asOf = parseTime(document.querySelector('[data-part="as-of"]').dateTime) ?? opened;
// The reader's clock may be wrong: what the page's age was on arrival counts only where that makes sense.
const early = Math.max(0, Math.min(opened - asOf, 60_000));
const age = document.querySelector('[data-part="age"]');
const verdict = document.querySelector('[data-part="verdict"]');

setInterval(() => {
  const since = Date.now() - opened + early;
  age.textContent = ` (${agoText(0, since)})`;
  verdict.classList.toggle("report__head--outdated", since > OUTDATED);
}, 1000);
