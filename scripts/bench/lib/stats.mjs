/** The benchmark's statistics. */

/**
 * @param {readonly number[]} values in any order @param {number} share from 0 to 1
 * @returns {number} the quantile, between the two nearest values where it falls between them
 */
export function quantile(values, share) {
  if (!values.length) throw new RangeError("quantile: expected at least one value, found none");
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = Math.floor(at);
  const below = /** @type {number} */ (sorted[low]);
  return below + ((sorted[Math.ceil(at)] ?? below) - below) * (at - low);
}

/** @param {readonly number[]} values */
export const median = (values) => quantile(values, 0.5);

/**
 * @typedef {{median: number, q1: number, q3: number, min: number, n: number}} Summary
 * @param {readonly number[]} values @returns {Summary}
 */
export function summary(values) {
  return { median: median(values), q1: quantile(values, 0.25), q3: quantile(values, 0.75), min: Math.min(...values), n: values.length };
}

/**
 * The median of the ratios round by round, over the rounds that both were in: what disturbs a whole round disturbs both.
 * @param {readonly number[]} above @param {readonly number[]} below
 */
export function ratio(above, below) {
  const rounds = Math.min(above.length, below.length);
  return median(Array.from({ length: rounds }, (_, round) => /** @type {number} */ (above[round]) / /** @type {number} */ (below[round])));
}

/**
 * What share of its limit something reaches: the limit's fastest round over the median of what it limits. A limit is what the
 * machine can do at best, so a disturbed round must not pass for it: disturbances can only make the share smaller than it is.
 * @param {readonly number[]} limit @param {readonly number[]} samples
 */
export const shareOfLimit = (limit, samples) => Math.min(...limit) / median(samples);

/**
 * The power law y = factor · x^exponent that fits best, by least squares of the logarithms.
 * @param {readonly (readonly [number, number])[]} points x and y, all above 0; at least two different x
 * @returns {{exponent: number, factor: number}}
 */
export function fitPower(points) {
  const logs = points.map(([x, y]) => /** @type {const} */ ([Math.log(x), Math.log(y)]));
  const mean = (/** @type {0 | 1} */ index) => logs.reduce((sum, point) => sum + point[index], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const spread = logs.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
  if (!(spread > 0) || !logs.flat().every(Number.isFinite)) {
    throw new RangeError("fitPower: expected positive numbers with at least two different x");
  }
  const exponent = logs.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) / spread;
  return { exponent, factor: Math.exp(y - exponent * x) };
}
