// Runs a first visit in an instrumented engine, a program of its own for split.mjs:
//
//     node profile.mjs GLUE INSTRUMENTED SAMPLE PROFILE
//
// writes wasm-split's profile, or exits with 3 where this Node.js cannot run such an engine.

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

import { Engine } from "../../wasm/host.mjs";
import { visit } from "./first_visit.mjs";

const [glue, instrumented, sample, profile] = process.argv.slice(2);
const bytes = readFileSync(instrumented);
if (!WebAssembly.validate(bytes)) process.exit(3);

// Emscripten's loader takes a page or a worker for granted.
globalThis.window ??= globalThis;
const { default: factory } = await import(pathToFileURL(glue).href);
let exports;
/** The factory, which tells us of the instance that is made. */
const watched = (options) =>
  factory({
    instantiateWasm: (imports, receive) =>
      options.instantiateWasm(imports, (instance, module) => {
        exports = instance.exports;
        receive(instance, module);
      }),
  });
visit(await Engine.load(watched, bytes), new Uint8Array(readFileSync(sample)));

const memory = Object.values(exports).find((each) => each instanceof WebAssembly.Memory);
// Over whatever lies there: nothing will run in this memory any more.
const size = exports.__write_profile(0, memory.buffer.byteLength);
writeFileSync(profile, new Uint8Array(memory.buffer, 0, size));
