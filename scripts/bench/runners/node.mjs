/** A contestant in a Node.js process of its own: node node.mjs LIBRARIES, requests and replies as lines of JSON. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { charglowRunner } from "./charglow.mjs";
import { makeHost } from "./host.mjs";
import { configure, onnxRunner } from "./onnxruntime.mjs";
import { simdRateRunner } from "./simd_rate.mjs";
import { layersRunner, tfjsRunner } from "./tfjs.mjs";

const libraries = process.argv[2] ?? "";
/** A module of the rivals, which live in a folder of their own. @param {string} name */
const rival = (name) => import(pathToFileURL(join(libraries, "node_modules", name)).href);

/** @type {Record<string, (request: any) => Promise<import("./host.mjs").Runner>>} */
const RUNTIMES = {
  charglow: async ({ folder }) => {
    const { loadEngine } = await import("../../lib/engine.mjs");
    return charglowRunner(await once("charglow", loadEngine), { bundle: readFileSync(join(folder, "model.safetensors")), spec: specOf(folder) });
  },
  onnxruntime: async ({ folder, batch }) => {
    const ort = await once("onnxruntime", () => rival("onnxruntime-web/dist/ort.node.min.mjs"));
    configure(ort);
    return onnxRunner(ort, { onnx: readFileSync(join(folder, "model.onnx")), spec: specOf(folder) }, batch);
  },
  "simd-rate": async ({ folder }) => simdRateRunner(readFileSync(join(libraries, "simd_rate.wasm")), specOf(folder)),
  "tfjs-wasm": (request) => tfjs(request, "wasm"),
  "tfjs-cpu": (request) => tfjs(request, "cpu"),
};

/** @param {any} request @param {string} backend */
async function tfjs({ folder, batch, layers }, backend) {
  const tf = await once("tfjs", async () => {
    const require = createRequire(join(libraries, "package.json"));
    // Its node build says at each start that tfjs-node would be faster.
    const { warn } = console;
    console.warn = () => {};
    const tf = require("@tensorflow/tfjs");
    if (backend === "wasm") require("@tensorflow/tfjs-backend-wasm").setWasmPaths(join(libraries, "node_modules/@tensorflow/tfjs-backend-wasm/dist/"));
    const set = await tf.setBackend(backend);
    await tf.ready();
    console.warn = warn;
    if (!set || tf.getBackend() !== backend) throw new Error(`tfjs: expected the backend ${backend}, found ${tf.getBackend()}`);
    return tf;
  });
  const { buffer, byteOffset, byteLength } = readFileSync(join(folder, "weights.bin"));
  return (layers ? layersRunner : tfjsRunner)(tf, { weights: buffer.slice(byteOffset, byteOffset + byteLength), spec: specOf(folder) }, batch);
}

/** @type {Map<string, Promise<any>>} */
const loaded = new Map();
/** @param {string} name @param {() => Promise<any>} load */
function once(name, load) {
  const promise = loaded.get(name) ?? load();
  loaded.set(name, promise);
  return promise;
}

/** @param {string} folder */
const specOf = (folder) => JSON.parse(readFileSync(join(folder, "spec.json"), "utf8"));

const answer = makeHost((request) => {
  const open = RUNTIMES[request.runtime];
  if (!open) throw new Error(`runtime: expected one of ${Object.keys(RUNTIMES).join(", ")}, found ${request.runtime}`);
  return open(request);
});

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let reply;
  try {
    // Peak memory of the process, in kilobytes on Linux.
    reply = request.op === "memory" ? { kilobytes: process.resourceUsage().maxRSS } : await answer(request);
  } catch (error) {
    reply = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
