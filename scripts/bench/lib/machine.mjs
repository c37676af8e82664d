/** What the numbers were measured on and with. */
import { readFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { BENCH } from "./environment.mjs";

/**
 * @param {{emcc: string, chromium: string | null, pythons: string[]}} found
 * @returns {{cpu: string, cores: number, memory: string, system: string, load: number[], versions: string[]}}
 *   load: averages over 1, 5 and 15 minutes, before anything was measured
 */
export function describeMachine({ emcc, chromium, pythons }) {
  const version = (/** @type {string} */ name) => JSON.parse(readFileSync(join(BENCH, "node_modules", name, "package.json"), "utf8")).version;
  return {
    cpu: os.cpus()[0]?.model.trim() ?? "unknown",
    cores: os.availableParallelism(),
    memory: `${Math.round(os.totalmem() / 2 ** 30)} GiB`,
    system: `${os.type()} ${os.release()}, ${os.arch()}`,
    load: os.loadavg().map((value) => Math.round(value * 100) / 100),
    versions: [
      `Node.js ${process.versions.node} (V8 ${process.versions.v8})`,
      ...(chromium ? [`Chromium ${chromium}`] : []),
      emcc,
      `onnxruntime-web ${version("onnxruntime-web")}`,
      `tfjs ${version("@tensorflow/tfjs")}`,
      ...pythons,
    ],
  };
}
