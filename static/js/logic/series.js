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

/**
 * Count times per minute over the last `minutes`, oldest first; the last bucket is the running minute.
 *
 * @param {Array<number>} times ms
 * @param {number} now ms
 * @returns {[Array<number>, Array<number>]} the beginning of each minute (seconds) and its count
 */
export function perMinute(times, now, minutes) {
  const running = Math.floor(now / 60_000);
  const first = running - minutes + 1;
  const counts = new Array(minutes).fill(0);
  for (const time of times) {
    const bucket = Math.floor(time / 60_000) - first;
    if (bucket >= 0 && bucket < minutes) counts[bucket] += 1;
  }
  return [counts.map((_, index) => (first + index) * 60), counts];
}
