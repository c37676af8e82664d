import { join } from "node:path";
import { ROOT } from "./paths.mjs";
import { filesBelow } from "./stamp.mjs";

/** All C++ files of the project. @returns {string[]} */
export function cppSources() {
  return ["wasm", "tests/engine", "scripts/bench"]
    .flatMap((folder) => filesBelow(join(ROOT, folder)))
    .filter((file) => /\.(cpp|h)$/.test(file));
}
