/** The URL is the view: what is filtered, which window, which conversation. Defaults are left out of it. */

export const SEVERITIES = ["critical", "high", "medium", "low", "unknown"];
export const WINDOWS = ["1h", "6h", "24h", "7d"];
export const DEFAULT_WINDOW = "24h";
const SEARCH_LIMIT = 100;

/** Read a query string ("?severity=high&q=vpn") into a view; anything unknown falls back to its default. */
export function readView(query) {
  const given = new URLSearchParams(query);
  return {
    severity: oneOf(given.get("severity"), SEVERITIES, ""),
    search: (given.get("q") ?? "").slice(0, SEARCH_LIMIT),
    ransomware: given.get("ransomware") === "1",
    window: oneOf(given.get("window"), WINDOWS, DEFAULT_WINDOW),
    conversation: /^[\w-]{1,64}$/.test(given.get("conversation") ?? "") ? given.get("conversation") : "",
  };
}

/** Write a view as a query string with its question mark; "" for the default view. */
export function writeView(view) {
  const out = new URLSearchParams();
  put(out, "severity", view.severity);
  put(out, "q", view.search.trim());
  put(out, "ransomware", view.ransomware ? "1" : "");
  put(out, "window", view.window === DEFAULT_WINDOW ? "" : view.window);
  put(out, "conversation", view.conversation);
  const text = out.toString();
  return text ? `?${text}` : "";
}

/** True when the threats are filtered in any way. */
export function isFiltered(view) {
  return Boolean(view.severity || view.search.trim() || view.ransomware);
}

function put(params, name, value) {
  if (value) params.set(name, value);
}

function oneOf(value, known, otherwise) {
  return known.includes(value) ? value : otherwise;
}
