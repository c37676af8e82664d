/** What is aimed at, and whether it was met. Pure: from results.json alone. */
import { median, ratio, shareOfLimit } from "./stats.mjs";
import { digits, size, time } from "./table.mjs";

/**
 * @typedef {{name: string, aim: string, found: string, met: boolean | null}} Verdict met: null where it was not measured
 * @typedef {Record<string, number[]>} Samples
 */

/** @param {Samples | undefined} samples @param {string} rival @param {string} own @returns {number | null} how many times faster `own` is */
export function faster(samples, rival, own) {
  const [slow, fast] = [samples?.[rival], samples?.[own]];
  return slow?.length && fast?.length ? ratio(slow, fast) : null;
}

/** The contestant of the lowest median whose id begins so. @param {Samples} samples @param {string} start */
export function bestOf(samples, start) {
  const ids = Object.keys(samples).filter((id) => id.startsWith(start) && samples[id]?.length);
  return ids.sort((a, b) => median(samples[a] ?? []) - median(samples[b] ?? []))[0] ?? null;
}

/** @param {any} results @returns {Verdict[]} */
export function verdicts(results) {
  const { forward, keystroke, batch, growth, limit, page, sizes } = results;
  /** @type {Verdict[]} */
  const rows = [];
  /** @param {string} name @param {number} least @param {number | null} found */
  const times = (name, least, found) =>
    rows.push({ name, aim: `≥ ${digits(least)}×`, found: found === null ? "not measured" : `${digits(found)}×`, met: found === null ? null : found >= least });
  /** @param {string} name @param {string} aim @param {string | null} found @param {boolean} met */
  const other = (name, aim, found, met) => rows.push({ name, aim, found: found ?? "not measured", met: found === null ? null : met });

  const classic = forward?.classic;
  const typed = keystroke?.classic?.end;
  for (const [place, label] of /** @type {const} */ ([["node", "Node.js"], ["chromium", "Chromium"]])) {
    const own = `charglow-${place}`;
    times(`classic, full forward, ${label}: faster than onnxruntime-web`, 1.4, faster(classic, `onnxruntime-${place}`, own));
    times(`keystroke at the end of 80 characters, ${label}: faster than onnxruntime-web's full run`, 4, faster(typed, `onnxruntime-${place}`, own));
    times(`classic, full forward, ${label}: faster than tfjs wasm, its layers`, 100, faster(classic, `tfjs-layers-${place}`, own));
    times(`classic, full forward, ${label}: faster than tfjs wasm, hand-written`, 100, faster(classic, `tfjs-wasm-${place}`, own));
    const [kernel, recurrence] = [limit?.samples[`limit-${place}`], limit?.samples[own]];
    const share = kernel?.length && recurrence?.length ? shareOfLimit(kernel, recurrence) : null;
    other(`recurrence, ${label}: share of the plain-SIMD limit`, "≥ 85 %", share === null ? null : `${digits(100 * share)} %`, (share ?? 0) >= 0.85);
    const rival = batch ? bestOf(batch.samples, `onnxruntime-${place} `) : null;
    const name = `batch of ${batch?.texts ?? 1000} texts, ${label}: faster than onnxruntime-web's best batch`;
    times(name, 1.2, rival ? faster(batch.samples, rival, `${own} ${batch.texts}`) : null);
  }
  times("classic, full forward, Node.js: faster than Keras's predict on TensorFlow", 1, faster(classic, "tensorflow-predict", "charglow-node"));
  times("classic, full forward, Node.js: faster than Keras's predict on JAX", 1, faster(classic, "jax-predict", "charglow-node"));
  const gzip = sizes ? sizes["charglow: page"].gzip + sizes["charglow: engine"].gzip : null;
  other("page + engine before the first colours, gz", "≤ 300 KB", gzip === null ? null : size(gzip), (gzip ?? Infinity) <= 300e3);
  const open = page ? median(page.open) : null;
  other("bundle's bytes to first coloured text, Chromium", "≤ 60 ms", open === null ? null : time(open), (open ?? Infinity) <= 60);
  const exponent = growth?.steps.exponents["charglow-node"] ?? null;
  other("growth with T: exponent", "≤ 1.05", exponent === null ? null : exponent.toFixed(3), (exponent ?? Infinity) <= 1.05);
  return rows;
}
