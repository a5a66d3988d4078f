/** Sending a file, with the share that is sent. `fetch` cannot tell that, so this is the one place that uses XMLHttpRequest. */

import { toLogin } from "./rest.js";

/**
 * @param {string} path
 * @param {File} file
 * @param {function(number): void} sent told the share, 0 to 1
 * @returns {{done: Promise<object|null>, abort: function}} `done` resolves with null after `abort`, and rejects with the
 *   standard error body; undefined: no answer
 */
export function upload(path, file, sent) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    request.open("POST", path);
    request.responseType = "json";
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRF-Token", document.querySelector('meta[name="csrf-token"]')?.content ?? "");
    request.upload.addEventListener("progress", ({ loaded, total }) => sent(total ? loaded / total : 0));
    request.addEventListener("load", () => {
      if (request.status < 300) return resolve(request.response);
      if (request.status === 401) toLogin();
      return reject(request.response ?? { error: "Unexpected answer", message: `The server answered with status ${request.status}.` });
    });
    request.addEventListener("abort", () => resolve(null));
    for (const event of ["error", "timeout"]) request.addEventListener(event, () => reject(undefined));
    const form = new FormData();
    form.set("file", file, file.name);
    request.send(form);
  });
  return { done, abort: () => request.abort() };
}
