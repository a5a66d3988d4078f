/** The view in the URL, as the store's "view". */

import { readView, writeView } from "../logic/view.js";

export class View {
  #store;

  constructor(store) {
    this.#store = store;
    store.set("view", readView(location.search));
    window.addEventListener("popstate", () => store.set("view", readView(location.search)));
  }

  get() {
    return this.#store.get("view");
  }

  /** Change fields of the view. A search grows letter by letter, so it replaces the history's entry. */
  set(fields) {
    const view = { ...this.get(), ...fields };
    const query = writeView(view, location.search);
    if (query !== location.search) {
      const address = `${location.pathname}${query}${location.hash}`;
      if ("search" in fields) history.replaceState(null, "", address);
      else history.pushState(null, "", address);
    }
    this.#store.set("view", view);
  }
}
