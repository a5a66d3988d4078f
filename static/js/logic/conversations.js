/** The list of conversations as a question to the server. */

/** The query string for a page of conversations: "" for the first of all. */
export function listQuery(words, cursor) {
  const query = new URLSearchParams();
  if (words) query.set("search", words);
  if (cursor) query.set("cursor", cursor);
  const text = query.toString();
  return text ? `?${text}` : "";
}
