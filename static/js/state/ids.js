/**
 * A random id of 32 hex digits. Not crypto.randomUUID: browsers have that on https and on localhost only, and a server in
 * one's own network is often reached by plain http.
 */
export function randomId(source = crypto) {
  const bytes = source.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
