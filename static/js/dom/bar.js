import { html } from "./html.js";

/** A thin bar filled to `share` (0 to 1). SVG attributes, because inline styles are forbidden here. Decoration only. */
export function bar(share) {
  const width = `${(Math.min(1, Math.max(0, share)) * 100).toFixed(1)}%`;
  return html`<svg class="bar" aria-hidden="true" focusable="false">
    <rect width="100%" height="100%"></rect><rect width=${width} height="100%"></rect>
  </svg>`;
}
