/** The URL is the view: what is filtered, which window, which conversation. Defaults are left out of it. */

import { readThreats, writeThreats } from "./threat_view.js";

export const WINDOWS = ["1h", "6h", "24h", "7d"];
export const DEFAULT_WINDOW = "24h";

/** Read a query string ("?severity=high&q=vpn") into a view; anything unknown falls back to its default. */
export function readView(query) {
  const given = new URLSearchParams(query);
  return {
    ...readThreats(given),
    window: oneOf(given.get("window"), WINDOWS, DEFAULT_WINDOW),
    scan: /^[0-9a-f-]{36}$/.test(given.get("scan") ?? "") ? given.get("scan") : "",
    conversation: /^[\w-]{1,64}$/.test(given.get("conversation") ?? "") ? given.get("conversation") : "",
  };
}

/** Write a view as a query string with its question mark; "" for the default view. */
export function writeView(view) {
  const out = new URLSearchParams();
  for (const [name, value] of writeThreats(view)) put(out, name, value);
  put(out, "window", view.window === DEFAULT_WINDOW ? "" : view.window);
  put(out, "scan", view.scan);
  put(out, "conversation", view.conversation);
  const text = out.toString();
  return text ? `?${text}` : "";
}

function put(params, name, value) {
  if (value) params.set(name, value);
}

function oneOf(value, known, otherwise) {
  return known.includes(value) ? value : otherwise;
}
