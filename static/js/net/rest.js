/** REST calls with the session's cookie. Rejects with the standard error body; undefined where no answer came. */

const TIMEOUT_MS = 15_000;

/**
 * @param {"GET"|"POST"|"PATCH"|"DELETE"} method
 * @param {string} path with its query
 * @param {object} [body] sent as JSON
 * @returns {Promise<*>} the body of the answer; null where there is none
 */
export async function call(method, path, body) {
  const response = await send(method, path, body);
  const answer = await read(response);
  if (response.ok) return answer;
  if (response.status === 401) toLogin();
  throw answer ?? { error: "Unexpected answer", message: `The server answered with status ${response.status}.` };
}

export const get = (path) => call("GET", path);
export const post = (path, body = {}) => call("POST", path, body);
export const patch = (path, body) => call("PATCH", path, body);

/** Send a file as the whole body; resolves and rejects as `call`. */
export async function upload(path, file, type) {
  const response = await send("POST", path, file, type);
  const answer = await read(response);
  if (response.ok) return answer;
  if (response.status === 401) toLogin();
  throw answer ?? { error: "Unexpected answer", message: `The server answered with status ${response.status}.` };
}

export const remove = (path) => call("DELETE", path);

let leaving = false;

/** End this login. What is refused meanwhile is no news: who leaves is not asked to come back here. */
export async function signOut() {
  leaving = true;
  try {
    await post("/logout");
  } catch (refusal) {
    leaving = false;
    throw refusal;
  }
  location.assign("/login");
}

/** The login is no longer good: to the login page, and back here after it. */
export function toLogin() {
  if (leaving) return;
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}

async function send(method, path, body, type = "application/json") {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = csrfToken();
  if (body !== undefined) headers["Content-Type"] = type;
  try {
    return await fetch(path, {
      method,
      headers,
      body: body === undefined || body instanceof Blob ? body : JSON.stringify(body),
      credentials: "same-origin",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw undefined;
  }
}

async function read(response) {
  try {
    return response.status === 204 ? null : await response.json();
  } catch {
    return null;
  }
}

function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}
