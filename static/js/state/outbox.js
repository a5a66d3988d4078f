/** Questions that the server has not confirmed, kept over a reload of the page: nothing that was sent is lost. */

const KEY = "jupiter.outbox";
const MOST = 20;

export class Outbox {
  #storage;
  #items;

  constructor(storage = sessionStorage) {
    this.#storage = storage;
    this.#items = this.#read();
  }

  all() {
    return [...this.#items];
  }

  get(clientId) {
    return this.#items.find((item) => item.clientId === clientId);
  }

  add(item) {
    this.#keep([...this.#items, item].slice(-MOST));
  }

  remove(clientId) {
    this.#keep(this.#items.filter((item) => item.clientId !== clientId));
  }

  /** The conversation that a first question opened is that of the questions waiting behind it, too. */
  adopt(conversation) {
    this.#keep(this.#items.map((item) => ({ ...item, conversation: item.conversation || conversation })));
  }

  #keep(items) {
    this.#items = items;
    try {
      this.#storage.setItem(KEY, JSON.stringify(items));
    } catch {
      // storage may be full or forbidden: then a reload forgets them, the open page does not
    }
  }

  #read() {
    try {
      return JSON.parse(this.#storage.getItem(KEY) ?? "[]");
    } catch {
      return [];
    }
  }
}
