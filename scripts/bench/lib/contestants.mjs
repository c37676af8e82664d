/** Who takes part, and where each runs. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../lib/say.mjs";
import { BENCH, HERE, MODELS, NATIVE } from "./environment.mjs";
import { processHost, workerHost } from "./hosts.mjs";
import { referenceStep } from "./workload.mjs";

/**
 * @typedef {import("./workload.mjs").Spec & {attention: string, cell: string, parameters: number}} Spec
 * @typedef {import("./hosts.mjs").Host} Host
 *
 * @typedef {object} Contestant
 * @property {string} id
 * @property {string} label for people
 * @property {"node" | "chromium" | "native" | "tensorflow" | "jax"} place
 * @property {string} runtime what the place calls it
 * @property {boolean} [layers] of the library's own layers; runs only the model "classic-reset-before", in the place of "classic"
 */

/** @type {Contestant[]} */
export const CONTESTANTS = [
  { id: "charglow-node", label: "charglow, wasm, Node.js", place: "node", runtime: "charglow" },
  { id: "charglow-chromium", label: "charglow, wasm, Chromium", place: "chromium", runtime: "charglow" },
  { id: "charglow-native", label: "charglow, native", place: "native", runtime: "charglow" },
  { id: "onnxruntime-node", label: "onnxruntime-web, wasm, Node.js", place: "node", runtime: "onnxruntime" },
  { id: "onnxruntime-chromium", label: "onnxruntime-web, wasm, Chromium", place: "chromium", runtime: "onnxruntime" },
  { id: "tfjs-wasm-node", label: "tfjs, wasm, operations, Node.js", place: "node", runtime: "tfjs-wasm" },
  { id: "tfjs-wasm-chromium", label: "tfjs, wasm, operations, Chromium", place: "chromium", runtime: "tfjs-wasm" },
  { id: "tfjs-layers-node", label: "tfjs, wasm, tf.layers, Node.js ¹", place: "node", runtime: "tfjs-wasm", layers: true },
  { id: "tfjs-layers-chromium", label: "tfjs, wasm, tf.layers, Chromium ¹", place: "chromium", runtime: "tfjs-wasm", layers: true },
  { id: "tfjs-cpu-node", label: "tfjs, cpu, operations, Node.js", place: "node", runtime: "tfjs-cpu" },
  { id: "tensorflow-predict", label: "TensorFlow, Keras's predict ²", place: "tensorflow", runtime: "predict" },
  { id: "tensorflow-compiled", label: "TensorFlow, tf.function ²", place: "tensorflow", runtime: "compiled" },
  { id: "jax-predict", label: "JAX, Keras's predict ²", place: "jax", runtime: "predict" },
  { id: "jax-compiled", label: "JAX, jit ²", place: "jax", runtime: "compiled" },
];

/** What stands below tables that show all contestants. */
export const NOTES = [
  "¹ The layers of TensorFlow.js refuse reset_after=true: here with reset_after=false, a model of the same size. All others compute the same numbers.",
  "² Native, with all cores. onnxruntime-web, TensorFlow.js and charglow use one thread each. The rivals are given ids; charglow reads text.",
];

/** How far an output or a weight may be from Keras's. */
export const TOLERANCE = 1e-4;

/** @param {string} id */
export function contestant(id) {
  const found = CONTESTANTS.find((one) => one.id === id);
  if (!found) throw new Error(`contestant: expected one of ${CONTESTANTS.map((one) => one.id).join(", ")}, found ${id}`);
  return found;
}

/** @param {string} model @returns {Spec} */
export const specOf = (model) => JSON.parse(readFileSync(join(MODELS, model, "spec.json"), "utf8"));

/** The folder of a model as a place sees it. @param {Contestant["place"]} place @param {string} model */
export const folderOf = (place, model) => (place === "chromium" ? `/models/${model}` : join(MODELS, model));

/** The model that a contestant runs where `model` is asked for. @param {Contestant} who @param {string} model */
const modelFor = (who, model) => (who.layers ? `${model}-reset-before` : model);

/** Holds the processes and workers of one run of the benchmark. */
export class Arena {
  /** @type {Map<string, Host>} */
  #hosts = new Map();
  #keys = 0;
  /** Who was found to agree with Keras, in which model, in which batches. @type {Set<string>} */
  #agreed = new Set();
  #options;

  /**
   * @param {{page: import("playwright-core").Page | null, native: boolean, tensorflow: string | null, python: string}} options
   *   what there is; contestants of the other places do not take part
   */
  constructor(options) {
    this.#options = options;
  }

  /** Whether a contestant takes part, in a model. @param {string} id @param {string} [model] */
  has(id, model) {
    const { place, layers } = contestant(id);
    const { page, native, tensorflow } = this.#options;
    if (layers && model !== undefined && model !== "classic") return false;
    return { node: true, chromium: page !== null, native, tensorflow: tensorflow !== null, jax: true }[place];
  }

  /** A process or worker that has done nothing yet; the caller closes it. @param {Contestant} who @returns {Host} */
  fresh({ id, place, runtime }) {
    const { page, tensorflow, python } = this.#options;
    if (place === "chromium" && page) return workerHost(runtime, page);
    if (place === "native") return processHost(id, NATIVE, []);
    if (place === "node") return processHost(id, process.execPath, [join(HERE, "runners", "node.mjs"), BENCH]);
    const program = place === "jax" ? python : tensorflow;
    if (!program || place === "chromium") throw new Error(`${id}: expected its place on this machine, found none`);
    const env = { KERAS_BACKEND: place === "jax" ? "jax" : "tensorflow" };
    return processHost(id, program, [join(HERE, "python", "keras_host.py")], env);
  }

  /** The process or worker shared by all that run there. @param {Contestant} who */
  host(who) {
    const { place, runtime } = who;
    const name = place === "tensorflow" || place === "jax" || place === "native" ? place : `${place} ${runtime}`;
    const host = this.#hosts.get(name) ?? this.fresh(who);
    this.#hosts.set(name, host);
    return host;
  }

  /**
   * Opens a model, compares what it computes with Keras's numbers, and hands over the steps to go through.
   * @param {string} id @param {string} model @param {import("./workload.mjs").Step[]} steps @param {number} [batch]
   * @returns {Promise<import("./rounds.mjs").Measured & {close: () => Promise<void>}>}
   * @throws {UserError} where an output is further from Keras's than TOLERANCE
   */
  async enter(id, model, steps, batch = 1) {
    const who = contestant(id);
    const name = modelFor(who, model);
    const host = this.host(who);
    const key = `${name} ${++this.#keys}`;
    await host.ask({ op: "open", key, runtime: who.runtime, folder: folderOf(who.place, name), batch, layers: who.layers ?? false });
    if (!this.#agreed.has(`${id} ${name}`)) await agreeOne(host, key, id, name);
    if (batch > 1 && !this.#agreed.has(`${id} ${name} ${batch}`)) await agreeTogether(host, key, id, name, batch);
    this.#agreed.add(`${id} ${name}`).add(`${id} ${name} ${batch}`);
    await host.ask({ op: "prepare", key, steps });
    return {
      id,
      sample: async (count) => (await host.ask({ op: "sample", key, count })).ms,
      close: async () => void (await host.ask({ op: "close", key })),
    };
  }

  /** What the Pythons have installed. @returns {Promise<string[]>} */
  async versions() {
    const places = CONTESTANTS.filter(({ id, runtime }) => runtime === "predict" && this.has(id));
    return Promise.all(places.map(async (who) => (await this.host(who).ask({ op: "version" })).version));
  }

  async close() {
    for (const host of this.#hosts.values()) await host.close();
    this.#hosts.clear();
  }
}

/** @type {Map<string, {row: number[], outputs: Record<string, number[]>}[]>} */
const references = new Map();

/** What Keras computes for some texts of a model. @param {string} model @returns {{row: number[], outputs: Record<string, number[]>}[]} */
function casesOf(model) {
  const cases = references.get(model) ?? JSON.parse(readFileSync(join(MODELS, model, "reference.json"), "utf8"));
  references.set(model, cases);
  return cases;
}

/** @param {Host} host @param {string} key @param {string} id @param {string} model @param {number[][]} rows @param {Record<string, number[]>} expected */
async function compare(host, key, id, model, rows, expected) {
  const { outputs } = await host.ask({ op: "check", key, step: referenceStep(specOf(model), rows) });
  for (const [name, values] of Object.entries(expected)) {
    const far = difference(values, outputs[name]);
    if (far <= TOLERANCE) continue;
    throw new UserError(`${id}, model ${model}, ${name}: expected Keras's numbers within ${TOLERANCE}, found a difference of ${far}.`);
  }
}

/** Each text by itself: outputs and attention. @param {Host} host @param {string} key @param {string} id @param {string} model */
async function agreeOne(host, key, id, model) {
  for (const { row, outputs } of casesOf(model)) await compare(host, key, id, model, [row], outputs);
}

/** Several texts as one batch: outputs. @param {Host} host @param {string} key @param {string} id @param {string} model @param {number} batch */
async function agreeTogether(host, key, id, model, batch) {
  const cases = casesOf(model).slice(0, batch);
  const rows = cases.map(({ row }) => row);
  await compare(host, key, id, model, rows, { prediction: cases.flatMap(({ outputs }) => outputs.prediction ?? []) });
}

/** The largest difference; infinite where the lengths differ or a number is none. @param {number[]} expected @param {number[]} [actual] */
export function difference(expected, actual) {
  if (actual?.length !== expected.length) return Infinity;
  let largest = 0;
  for (const [index, value] of expected.entries()) {
    const far = Math.abs(value - /** @type {number} */ (actual[index]));
    if (!(far <= largest)) largest = Number.isNaN(far) ? Infinity : far;
  }
  return largest;
}
