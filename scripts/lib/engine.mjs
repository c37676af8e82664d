// The engine under Node: the same WebAssembly the page runs.

import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";

import { Engine, engineFor } from "../../wasm/host.mjs";
import { builtEngines, WASM_BUILD } from "./paths.mjs";

/**
 * Loads one of the built engines: the one that this machine runs best, or that of this name. Throws, with code "engine-missing",
 * where it has not been built.
 * @param {string} [name]
 */
export async function loadEngine(name) {
  const built = builtEngines();
  const script = join(WASM_BUILD, "engine.mjs");
  if (!existsSync(script) || built.length === 0 || (name !== undefined && !built.includes(name))) {
    const message = `${WASM_BUILD}: expected the built engine, found none. Run "npm run build" first.`;
    throw Object.assign(new Error(message), { code: "engine-missing" });
  }
  // Emscripten's loader takes a page or a worker for granted.
  globalThis.window ??= globalThis;
  const { default: factory } = await import(pathToFileURL(script).href);
  const chosen = name ?? engineFor(built);
  const read = (/** @type {string} */ file) => readFileSync(join(WASM_BUILD, file));
  return Engine.load(factory, read(`${chosen}.wasm`), () => read(`${chosen}.rest.wasm`));
}

/** Opens a bundle file. `choices` overrides what the engine assumes, id to value. */
export async function openModel(file, choices = {}) {
  const engine = await loadEngine();
  return engine.open(readFileSync(file), basename(file), choices);
}
