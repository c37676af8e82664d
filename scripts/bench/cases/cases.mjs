/** What is measured of the runtimes. Each returns plain data for results.json; report.mjs makes tables of it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { step } from "../../lib/say.mjs";
import { CONTESTANTS, contestant, folderOf, specOf } from "../lib/contestants.mjs";
import { measureRounds } from "../lib/rounds.mjs";
import { fitPower, median } from "../lib/stats.mjs";
import { freshTexts, keystrokes, manyTexts } from "../lib/workload.mjs";
import { limitOf, recurrenceOf } from "../runners/simd_rate.mjs";
import { MODELS } from "../lib/environment.mjs";

/**
 * @typedef {import("../lib/contestants.mjs").Arena} Arena
 * @typedef {import("../lib/rounds.mjs").Effort} Effort
 * @typedef {{arena: Arena, effort: Effort, quick: boolean, models: string[], page: import("playwright-core").Page | null}} Context
 * @typedef {Record<string, number[]>} Samples by contestant, milliseconds of one run for each round
 */

export const MAIN_MODELS = ["classic", "bilstm", "multi-head", "words", "stress"];
const ALL = CONTESTANTS.map(({ id }) => id);
const FAST = ["charglow-node", "charglow-chromium", "charglow-native", "onnxruntime-node", "onnxruntime-chromium"];

/**
 * Lets contestants, those that there are, run the same steps side by side.
 * @param {Context} context @param {string[]} ids @param {string} model @param {import("../lib/workload.mjs").Step[]} steps @param {Effort} [own] where it is not the context's
 * @returns {Promise<Samples>}
 */
async function sideBySide({ arena, effort }, ids, model, steps, own = effort) {
  const entered = [];
  for (const id of ids) if (arena.has(id, model)) entered.push(await arena.enter(id, model, steps));
  const samples = await measureRounds(entered, own);
  for (const one of entered) await one.close();
  return samples;
}

/** A text as long as the input, unlike the one before: nothing can be reused. @param {Context} context */
export async function forward(context) {
  /** @type {Record<string, Samples>} */
  const results = {};
  for (const model of context.models) {
    step(`Full forward: ${model}`);
    // Each run of TensorFlow.js's cpu backend on this one takes longer than all others' together.
    const ids = ALL.filter((id) => model !== "stress" || id !== "tfjs-cpu-node");
    results[model] = await sideBySide(context, ids, model, freshTexts(specOf(model), 16));
  }
  return results;
}

/** One more character in a text of 80 (a word in one of 12): what charglow reuses of the text before, against a full run. @param {Context} context */
export async function keystroke(context) {
  /** @type {Record<string, Record<string, Samples>>} */
  const results = {};
  for (const model of context.models.filter((name) => name !== "stress")) {
    const spec = specOf(model);
    for (const place of /** @type {const} */ (["end", "middle", "front"])) {
      step(`Keystroke at the ${place}: ${model}`);
      (results[model] ??= {})[place] = await sideBySide(context, FAST, model, keystrokes(spec, place, spec.unit === "word" ? 12 : 80, 24));
    }
  }
  return results;
}

/** Texts of all lengths, many at once; the rivals in batches of several sizes. Milliseconds are those of one text. @param {Context} context */
export async function batch({ arena, effort, quick }) {
  const texts = quick ? 200 : 1000;
  step(`Batch: ${texts} texts`);
  const spec = specOf("classic");
  /** @type {{id: string, sizes: number[], of?: number}[]} */
  const plan = [
    ...["charglow-node", "charglow-chromium", "charglow-native"].map((id) => ({ id, sizes: [texts] })),
    { id: "onnxruntime-node", sizes: quick ? [1, 32] : [1, 8, 32, 128] },
    { id: "onnxruntime-chromium", sizes: quick ? [1, 32] : [1, 8, 32] },
    // As slow with many at once as one by one: some of the texts say how slow.
    { id: "tfjs-wasm-node", sizes: [10], of: 20 },
    ...["tensorflow-predict", "tensorflow-compiled", "jax-predict", "jax-compiled"].map((id) => ({ id, sizes: [quick ? 100 : 125] })),
  ];
  const entered = [];
  for (const { id, sizes, of = texts } of plan) {
    const steps = [manyTexts(spec, of)];
    for (const size of arena.has(id) ? sizes : []) {
      const one = await arena.enter(id, "classic", steps, size);
      entered.push({ ...one, id: `${id} ${size}`, of });
    }
  }
  const samples = await measureRounds(entered, { rounds: 3, sampleMs: 1, budgetMs: effort.budgetMs * 3 });
  for (const { id, of, close } of entered) {
    samples[id] = (samples[id] ?? []).map((ms) => ms / of);
    await close();
  }
  return { texts, samples };
}

/** A fresh process or worker: from nothing to the first result, and the peak memory after ten more. @param {Context} context */
export async function load({ arena, quick, page }) {
  step("Load to first result, and peak memory");
  const spec = specOf("classic");
  const steps = freshTexts(spec, 11, 5);
  /** @type {Samples} */
  const samples = {};
  /** @type {Record<string, number>} */
  const megabytes = {};
  const nodes = ["charglow-node", "onnxruntime-node", "tfjs-wasm-node", "tfjs-cpu-node"];
  for (let round = 0; round < (quick ? 3 : 11); round++) {
    for (const id of nodes) {
      const who = contestant(id);
      const host = arena.fresh(who);
      const before = (await host.ask({ op: "memory" })).kilobytes;
      const { ms } = await host.ask({ op: "first", key: "load", runtime: who.runtime, folder: folderOf("node", "classic"), step: steps[0] });
      (samples[id] ??= []).push(ms);
      if (round === 0) {
        await host.ask({ op: "prepare", key: "load", steps });
        await host.ask({ op: "sample", key: "load", count: 10 });
        megabytes[id] = ((await host.ask({ op: "memory" })).kilobytes - before) / 1024;
      }
      await host.close();
    }
    for (const [id, files] of page ? Object.entries(BROWSER_FILES) : []) {
      const request = { runtime: contestant(id).runtime, folder: folderOf("chromium", "classic"), step: steps[0], files };
      const reply = await page?.evaluate((what) => /** @type {any} */ (globalThis).load(what), request);
      if (reply.error) throw new Error(`${id}: ${reply.error}`);
      (samples[id] ??= []).push(reply.ms);
    }
  }
  return { samples, megabytes };
}

/** What a page would have fetched before it starts a worker. */
const BROWSER_FILES = {
  "charglow-chromium": { library: "/engine/engine.wasm", model: "/models/classic/model.safetensors" },
  "onnxruntime-chromium": { library: "/rivals/node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm", model: "/models/classic/model.onnx" },
  "tfjs-wasm-chromium": { weights: "/models/classic/weights.bin" },
};

/** How a full forward grows with the timesteps and with the units of the classic model. @param {Context} context */
export async function growth(context) {
  const steps = context.quick ? [50, 250, 1000, 4000] : [50, 100, 250, 500, 1000, 2000, 4000];
  const units = context.quick ? [32, 128, 512] : [32, 64, 128, 256, 512, 1024];
  const ids = ["charglow-node", "charglow-native", "onnxruntime-node"];
  const effort = { ...context.effort, rounds: Math.min(context.effort.rounds, 9) };
  /** @param {string} axis @param {number[]} sizes */
  const along = async (axis, sizes) => {
    /** @type {Record<string, Samples>} */
    const samples = {};
    for (const size of sizes) {
      step(`Growth: ${size} ${axis}`);
      const model = `${axis}-${size}`;
      samples[size] = await sideBySide(context, ids, model, freshTexts(specOf(model), 8), effort);
    }
    /** @type {Record<string, number>} */
    const exponents = {};
    for (const id of ids.filter((one) => context.arena.has(one))) {
      exponents[id] = fitPower(sizes.map((size) => /** @type {const} */ ([size, median(samples[size]?.[id] ?? [])]))).exponent;
    }
    return { samples, exponents };
  };
  return { steps: await along("steps", steps), units: await along("units", units) };
}

/** The recurrence of the classic model alone, and the multiply-adds in it alone, in the same rounds. @param {Context} context */
export async function limit({ arena, effort }) {
  step("The limit: multiply-adds of the recurrence");
  const spec = specOf("recurrence");
  const { multiplyAdds, floats } = recurrenceOf(spec);
  const done = (floats / 4) * spec.steps;
  const steps = freshTexts(spec, 8);
  const entered = [];
  for (const id of FAST) if (arena.has(id)) entered.push(await arena.enter(id, "recurrence", steps));
  const kernels = [];
  for (const place of /** @type {const} */ (["node", "chromium"])) {
    if (!arena.has(`charglow-${place}`)) continue;
    const host = arena.host({ id: `limit-${place}`, label: "", place, runtime: "simd-rate" });
    await host.ask({ op: "open", key: "limit", runtime: "simd-rate", folder: folderOf(place, "recurrence") });
    await host.ask({ op: "prepare", key: "limit", steps: [{ timed: true, rows: [] }] });
    const sample = async (/** @type {number} */ count) => limitOf((await host.ask({ op: "sample", key: "limit", count })).ms, done, multiplyAdds);
    kernels.push({ id: `limit-${place}`, sample });
  }
  const samples = await measureRounds([...entered, ...kernels], effort);
  for (const one of entered) await one.close();
  return { multiplyAdds, bytes: floats * 4, samples };
}

/** The rates of this machine by themselves, in Node.js: in registers, from the caches, from beyond them. */
export async function rates() {
  const { simdRate } = await import("../runners/simd_rate.mjs");
  const rate = await simdRate(readFileSync(join(MODELS, "..", "simd_rate.wasm")));
  /** Runs for about 100 ms and gives the rate, the best of five. @param {(rounds: number) => unknown} run @param {number} each of a round */
  const best = (run, each) => {
    let rounds = 1;
    let found = 0;
    for (let turn = 0; turn < 6; turn++) {
      const start = performance.now();
      run(rounds);
      const ms = Math.max(performance.now() - start, 0.005);
      if (turn && ms > 20) found = Math.max(found, (rounds * each) / ms / 1e6);
      else if (ms <= 20) turn = -1;
      rounds = Math.max(1, Math.ceil((rounds * 100) / ms));
    }
    return found;
  };
  const sizes = { "16 KB": 16 * 256, "750 KB": 250 * 768, "8 MB": 8 * 1024 * 256 };
  return {
    registers: best((rounds) => rate.registers(rounds, 1), 6),
    multiplyAdd: Object.fromEntries(Object.entries(sizes).map(([name, floats]) => [name, best((rounds) => rate.multiplyAdd(floats, rounds, 250), floats / 4)])),
    read: Object.fromEntries(Object.entries(sizes).map(([name, floats]) => [name, best((rounds) => rate.readAdd(floats, rounds), floats * 4)])),
  };
}
