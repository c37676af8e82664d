/** The tables of a run, from results.json alone. */
import { verdicts } from "./aims.mjs";
import { CONTESTANTS, NOTES, TOLERANCE } from "./contestants.mjs";
import { shareOfLimit, summary } from "./stats.mjs";
import { digits, size, spread, time } from "./table.mjs";

/** @typedef {{title: string, rows: string[][], notes: string[]}} Table */

/** @param {string} id with or without a batch size */
function labelOf(id) {
  const [name, batch] = id.split(" ");
  const label = CONTESTANTS.find((one) => one.id === name)?.label ?? { "limit-node": "the limit, Node.js", "limit-chromium": "the limit, Chromium" }[name ?? ""] ?? id;
  return batch ? `${label}, ${batch} at once` : label;
}

/** @param {any} samples @param {string} id */
const cell = (samples, id) => (samples?.[id]?.length ? spread(summary(samples[id])) : "–");

/** @param {Record<string, any>} columns a column of samples by its head @param {string} title @param {string[]} notes @returns {Table} */
function sideBySide(title, columns, notes) {
  const ids = [...new Set(Object.values(columns).flatMap((samples) => Object.keys(samples)))];
  const order = CONTESTANTS.map(({ id }) => id);
  ids.sort((a, b) => order.indexOf(a) - order.indexOf(b));
  return { title, rows: [["", ...Object.keys(columns)], ...ids.map((id) => [labelOf(id), ...Object.values(columns).map((samples) => cell(samples, id))])], notes };
}

/** @param {any} results @returns {Table[]} */
export function tables(results) {
  const { forward, keystroke, batch, load, growth, limit, rates, page, keys, sizes } = results;
  /** @type {Table[]} */
  const all = [];
  if (forward) {
    const table = sideBySide("Full forward: a text as long as the input, nothing of the one before reused", forward, NOTES);
    if (!results.tensorflow) table.rows.push(["TensorFlow", ...Object.keys(forward).map(() => "not installed")]);
    all.push(table);
  }
  if (keystroke) {
    const columns = Object.fromEntries(
      Object.entries(keystroke).flatMap(([model, places]) => Object.entries(places).map(([place, samples]) => [`${model}, ${place}`, samples])),
    );
    all.push(sideBySide("One keystroke in a text of 80 characters (one word more in 12), padded in front", columns, ["onnxruntime-web computes all of it anew; it has no other way."]));
  }
  if (batch) {
    const rows = Object.entries(batch.samples).map(([id, samples]) => {
      const one = summary(/** @type {number[]} */ (samples));
      return [labelOf(id), spread(one), time(one.median * batch.texts)];
    });
    const notes = ["tfjs: from 20 of the texts."];
    all.push({ title: `Batch: ${batch.texts} texts of 20 to 250 characters, classic`, rows: [["", "a text", `${batch.texts} texts`], ...rows], notes });
  }
  if (load) {
    const rows = Object.keys(load.samples).map((id) => [labelOf(id), cell(load.samples, id), id in load.megabytes ? `${digits(load.megabytes[id])} MB` : "–"]);
    all.push({
      title: "Load to first result: a process or worker that is new; and peak memory, classic",
      rows: [["", "to the first result", "memory"], ...rows],
      notes: ["Memory: peak of the resident set after ten runs, above that of Node.js before it loaded anything."],
    });
  }
  if (page) {
    const rows = [
      ["a bundle dropped on the page, to coloured text", spread(summary(page.open))],
      ["the page opened, to coloured text", spread(summary(page.start))],
    ];
    all.push({ title: "The page in Chromium, classic model; its own sample where it is opened", rows: [["", "time"], ...rows], notes: [] });
  }
  if (keys) {
    const rows = keys.map((/** @type {any} */ { name, p50, p95, p99 }) => [name, time(p50), time(p95), time(p99)]);
    all.push({ title: "The page in Chromium: from key to painted colours", rows: [["", "median", "95 %", "99 %"], ...rows], notes: [] });
  }
  for (const axis of growth ? ["steps", "units"] : []) {
    const { samples, exponents } = growth[axis];
    const ids = Object.keys(exponents);
    const rows = Object.entries(samples).map(([at, one]) => [at, ...ids.map((id) => cell(one, id))]);
    const fits = ["exponent", ...ids.map((id) => exponents[id].toFixed(3))];
    const title = axis === "steps" ? "Growth: full forward by timesteps, GRU 250" : "Growth: full forward by units, 250 timesteps";
    all.push({ title, rows: [[axis === "steps" ? "T" : "units", ...ids.map(labelOf)], ...rows, fits], notes: [] });
  }
  if (limit) {
    const places = ["node", "chromium"].filter((place) => limit.samples[`limit-${place}`]);
    const rows = places.flatMap((place) => {
      const kernel = limit.samples[`limit-${place}`];
      return [`charglow-${place}`, `onnxruntime-${place}`].map((id) => [labelOf(id), cell(limit.samples, id), time(Math.min(...kernel)), `${digits(100 * shareOfLimit(kernel, limit.samples[id]))} %`]);
    });
    if (limit.samples["charglow-native"]) rows.push([labelOf("charglow-native"), cell(limit.samples, "charglow-native"), "–", "–"]);
    all.push({
      title: "The recurrence of the classic (GRU 250, 250 steps, one number fed a step) and its limit",
      rows: [["", "recurrence", "limit", "share"], ...rows],
      notes: [
        `The limit: ${(limit.multiplyAdds / 1e6).toFixed(2)} million f32x4 multiply-adds (250 steps · 250 units · 750 columns / 4), each a load, a multiplication and`,
        `an addition of WebAssembly's plain SIMD (no fused or relaxed ones), eight sums in registers, over ${Math.round(limit.bytes / 1024)} KB of weights read in order. What the`,
        "recurrence does besides (gates, sigmoid, tanh, one product with the input, copying the result) counts as its own time. The limit is",
        "the fastest of its rounds, the recurrence the median of its own.",
      ],
    });
  }
  if (rates) {
    const names = Object.keys(rates.multiplyAdd);
    all.push({
      title: "This machine's rates in WebAssembly, Node.js, best of five",
      rows: [
        ["", "in registers", ...names],
        ["f32x4 multiply-adds, 10⁹ a second", digits(rates.registers), ...names.map((name) => digits(rates.multiplyAdd[name]))],
        ["reading and adding, GB a second", "–", ...names.map((name) => digits(rates.read[name]))],
      ],
      notes: [],
    });
  }
  if (sizes) {
    const rows = Object.entries(sizes).map(([name, one]) => [name, size(one.raw), size(one.gzip), size(one.brotli)]);
    all.push({ title: "Download", rows: [["", "plain", "gz", "brotli"], ...rows], notes: [] });
  }
  all.push(aims(results));
  return all;
}

/** @param {any} results @returns {Table} */
export function aims(results) {
  const word = (/** @type {boolean | null} */ met) => (met === null ? "–" : met ? "met" : "NOT met");
  const rows = verdicts(results)
    .filter(({ met }) => met !== null)
    .map(({ name, aim, found, met }) => [name, aim, found, word(met)]);
  return { title: "Aims", rows: [["", "aim", "found", ""], ...rows], notes: [`Ratios are medians of the ratios within each round. All compute what Keras computes, within ${TOLERANCE}.`] };
}

/** What it was measured on, a line each. @param {any} machine */
export function machineLines({ cpu, cores, memory, system, load, versions }) {
  return [`${cpu}, ${cores} cores, ${memory}; ${system}; load average before ${load.join(", ")}`, versions.join("; ")];
}
