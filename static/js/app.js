/** What every live page is built on: link, session, store, frames, ticker, view, announcer, toasts. */

import { Announcer } from "./dom/announce.js";
import { Toasts } from "./dom/toasts.js";
import { Link } from "./net/link.js";
import { toLogin } from "./net/rest.js";
import { Session } from "./net/session.js";
import { Frames } from "./state/frames.js";
import { Store } from "./state/store.js";
import { Ticker } from "./state/ticker.js";
import { View } from "./state/view.js";

/** Make them, without starting anything. `form` reads and writes the page's view; see state/view.js. */
export function createApp(form) {
  const link = new Link();
  const session = new Session(link);
  const store = new Store({ link: link.state });
  const app = {
    link,
    session,
    store,
    view: new View(store, form),
    frames: new Frames(),
    ticker: new Ticker(),
    announce: new Announcer(),
    toasts: new Toasts(),
    role: document.body.dataset.role,
  };
  link.on("change", () => store.set("link", link.state));
  link.on("refused", toLogin);
  session.on("notice", (notice) => app.toasts.show(notice));
  return app;
}

/** Begin to live. */
export function startApp({ link, ticker }) {
  ticker.start();
  link.start();
}
