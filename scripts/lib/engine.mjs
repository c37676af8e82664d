// The engine under Node: the same WebAssembly the page runs.

import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";

import { Engine } from "../../wasm/host.mjs";
import { WASM_BUILD } from "./paths.mjs";

/** Loads the built engine. Throws, with code "engine-missing", where it has not been built. */
export async function loadEngine() {
  const script = join(WASM_BUILD, "engine.mjs");
  const binary = join(WASM_BUILD, "engine.wasm");
  if (!existsSync(script) || !existsSync(binary)) {
    const message = `${WASM_BUILD}: expected the built engine, found none. Run "npm run build" first.`;
    throw Object.assign(new Error(message), { code: "engine-missing" });
  }
  // Emscripten's loader takes a page or a worker for granted.
  globalThis.window ??= globalThis;
  const { default: factory } = await import(pathToFileURL(script).href);
  return Engine.load(factory, readFileSync(binary));
}

/** Opens a bundle file. `choices` overrides what the engine assumes, id to value. */
export async function openModel(file, choices = {}) {
  const engine = await loadEngine();
  return engine.open(readFileSync(file), basename(file), choices);
}
