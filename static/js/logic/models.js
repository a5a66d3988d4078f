/** The language models to choose from. */

/** The model that was chosen before, if it can still be chosen; "" for the one that is set. */
export function chosenModel({ models, default: usual }, kept) {
  return kept !== usual && models.includes(kept) ? kept : "";
}

/** What is to be said about the list: its age, or why there is no newer one. */
export function modelNote({ stale, reason }, age) {
  if (!stale) return age;
  return [age, reason?.message ?? "The list of models could not be had."].filter(Boolean).join(". ");
}
