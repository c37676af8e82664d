/** The environment Emscripten needs, in one place. */
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { CACHE } from "./paths.mjs";
import { run } from "./run.mjs";
import { UserError } from "./say.mjs";

/** Where Debian and Ubuntu put Emscripten, and the JavaScript modules it requires. */
const DEBIAN_ROOT = "/usr/share/emscripten";
const DEBIAN_NODE_MODULES = "/usr/share/nodejs";

/** @param {string} folder */
function isWritable(folder) {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * A setting of Emscripten's, as its em-config tells it.
 * @param {string} root Emscripten's root folder @param {string} key @param {Record<string, string>} env
 * @throws {UserError}
 */
async function setting(root, key, env) {
  const script = join(root, "em-config.py");
  const python = env.EMSDK_PYTHON ?? process.env.EMSDK_PYTHON ?? "python3";
  const result = await run(python, [script, key], { env });
  if (result.code !== 0) throw new UserError(`${result.output}${script} ${key}: expected exit code 0, found ${result.how}.`);
  return result.stdout.trim();
}

/** Folder of the Binaryen that Emscripten uses. @param {string} root @param {Record<string, string>} env what emscriptenEnvironment gave */
export const binaryenRoot = (root, env) => setting(root, "BINARYEN_ROOT", env);

/**
 * @param {string} root Emscripten's root folder
 * @returns {Promise<Record<string, string>>} to set for cmake, and for whatever runs emcc
 */
export async function emscriptenEnvironment(root) {
  /** @type {Record<string, string>} */
  const env = { EMSCRIPTEN_ROOT: root };
  if (root === DEBIAN_ROOT) {
    // Debian's emcc requires acorn, which only Debian's own Node.js finds there.
    if (existsSync(DEBIAN_NODE_MODULES)) {
      env.NODE_PATH = [process.env.NODE_PATH, DEBIAN_NODE_MODULES].filter(Boolean).join(delimiter);
    }
    // Its wrapper takes whatever python3 comes first on PATH, pyenv's old ones too.
    if (!process.env.EMSDK_PYTHON && existsSync("/usr/bin/python3")) env.EMSDK_PYTHON = "/usr/bin/python3";
  }
  if (!process.env.EM_CACHE) {
    // Emscripten compiles its C library into its cache when it is not there yet. A frozen cache (Debian's) is complete.
    if ((await setting(root, "FROZEN_CACHE", env)) !== "True" && !isWritable(await setting(root, "CACHE", env))) {
      env.EM_CACHE = join(CACHE, "emscripten");
    }
  }
  return env;
}
