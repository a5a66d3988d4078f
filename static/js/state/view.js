/** The view in the URL, as the store's "view". */

import { readView, writeView } from "../logic/view.js";

export class View {
  #store;
  #write;

  /**
   * @param {Store} store
   * @param {{read: function, write: function}} [form] query string → view, and back
   */
  constructor(store, { read = readView, write = writeView } = {}) {
    this.#store = store;
    this.#write = write;
    store.set("view", read(location.search));
    window.addEventListener("popstate", () => store.set("view", read(location.search)));
  }

  get() {
    return this.#store.get("view");
  }

  /** Change fields of the view. What is typed grows letter by letter, so it replaces the history's entry. */
  set(fields) {
    const view = { ...this.get(), ...fields };
    const query = this.#write(view);
    if (query !== location.search) {
      const address = `${location.pathname}${query}${location.hash}`;
      if ("search" in fields || "vendor" in fields) history.replaceState(null, "", address);
      else history.pushState(null, "", address);
    }
    this.#store.set("view", view);
  }
}
