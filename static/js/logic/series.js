/** Short time series that never grow past their bound. */

/** Append a sample {at (ms), value}; the oldest go. A sample in the same second as the last one replaces it. */
export function appendSample(samples, sample, limit) {
  const last = samples.at(-1);
  const kept = last && Math.floor(last.at / 1000) === Math.floor(sample.at / 1000) ? samples.slice(0, -1) : samples;
  return [...kept, sample].slice(-limit);
}

/** Samples in uPlot's form: [[seconds...], [values...]]. */
export function toColumns(samples) {
  return [samples.map(({ at }) => at / 1000), samples.map(({ value }) => value)];
}

/** Slices [{at (ISO 8601), count}] in uPlot's form. */
export function sliceColumns(slices) {
  return [slices.map(({ at }) => Date.parse(at) / 1000), slices.map(({ count }) => count)];
}
