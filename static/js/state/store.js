/** One plain object that panels watch by key. */

export class Store {
  #values;
  #watchers = [];

  constructor(initial = {}) {
    this.#values = { ...initial };
  }

  get(key) {
    return this.#values[key];
  }

  /** Replace a value and tell its watchers; the very same value tells nobody. */
  set(key, value) {
    const before = this.#values[key];
    if (before === value) return;
    this.#values[key] = value;
    for (const { keys, watcher } of this.#watchers) if (keys.includes(key)) watcher(key, value, before);
  }

  /** Replace a value by a function of itself. */
  update(key, change) {
    this.set(key, change(this.#values[key]));
  }

  /** Call `watcher(key, value, before)` when one of `keys` changes. */
  watch(keys, watcher) {
    this.#watchers.push({ keys, watcher });
  }
}
