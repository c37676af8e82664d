/** The builds: the engine (CMake) and the page (Vite). Both do only what is out of date. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { binaryenRoot, emscriptenEnvironment } from "./emscripten.mjs";
import { convertModels } from "./models.mjs";
import { BUILD, builtEngines, DIST, PUBLIC_MODELS, ROOT, WASM_BUILD, WHOLE_ENGINES } from "./paths.mjs";
import { must, run } from "./run.mjs";
import { done, duration, note, step, UserError } from "./say.mjs";
import { findWasmSplit, keepWhole, splitEngines } from "./split.mjs";
import { filesBelow, hashOf, unlessFresh } from "./stamp.mjs";

/** @typedef {import("./probe.mjs").Machine} Machine */

/** What every build of the engine links; newer Emscriptens also engine-relaxed.wasm. */
const LINKED = ["engine.mjs", "engine.wasm", "engine-scalar.wasm"].map((name) => join(WHOLE_ENGINES, name));
/** The model that the page opens by itself (web/src/main.ts). */
const SAMPLE = join(PUBLIC_MODELS, "sms-spam.safetensors");

/**
 * Configures where necessary, and builds, one preset of CMakePresets.json in build/<preset>.
 * @param {string} preset @param {Machine} machine
 * @param {{definitions?: Record<string, string>, env?: Record<string, string>, targets?: string[]}} [options] targets: default all
 * @returns {Promise<boolean>} whether anything had to be built
 * @throws {UserError} with the compiler's output
 */
export async function cmakeBuild(preset, machine, { definitions = {}, env = {}, targets = [] } = {}) {
  const { cmake = "cmake", ninja = "ninja", eigen = "", json = "" } = machine.paths;
  const all = { CMAKE_MAKE_PROGRAM: ninja, EIGEN_DIR: eigen, NLOHMANN_DIR: json, ...definitions };
  const folder = join(BUILD, preset);
  const record = join(folder, "charglow-configured");
  // Ninja configures again by itself when a CMakeLists.txt changes, but not when what is decided here or in the presets does.
  const hash = hashOf([join(ROOT, "CMakePresets.json")], { all, env, cmake });
  if (!existsSync(join(folder, "build.ninja")) || !existsSync(record) || readFileSync(record, "utf8") !== hash) {
    // A cache made for another compiler or Emscripten cannot be changed to this one (what `cmake --fresh` removes, since 3.24).
    for (const name of ["CMakeCache.txt", "CMakeFiles"]) rmSync(join(folder, name), { recursive: true, force: true });
    const args = Object.entries(all).map(([name, value]) => `-D${name}=${value}`);
    await must(cmake, ["--preset", preset, ...args], { env });
    mkdirSync(folder, { recursive: true });
    writeFileSync(record, hash);
  }
  // -k 0: all that is wrong, not only what is met first.
  const only = targets.flatMap((target) => ["--target", target]);
  const args = ["--build", folder, ...only, "--parallel", String(os.availableParallelism()), "--", "-k", "0"];
  const { code, how, output } = await run(cmake, args, { env });
  if (code !== 0) {
    // What went well is not worth reading now: Ninja's progress lines, but for those of what failed.
    const errors = output.replace(/^\[\d+\/\d+\] .*\n(?!FAILED)/gm, "");
    throw new UserError(`${errors.trimEnd()}\n\ncmake --build build/${preset}: expected exit code 0, found ${how}.`);
  }
  return !output.includes("ninja: no work to do");
}

/**
 * Sees to it that engine.mjs fits all engines: the glue that Emscripten wrote for each must be the same but for the file's name,
 * since a page has one glue and is given one of the engines.
 * @param {string} [folder] where they lie
 * @throws {UserError}
 */
export function checkGlue(folder = WHOLE_ENGINES) {
  const glue = (/** @type {string} */ name) => readFileSync(join(folder, `${name}.mjs`), "utf8").replaceAll(`${name}.wasm`, "engine.wasm");
  const common = glue("engine");
  const other = builtEngines(folder).find((name) => !existsSync(join(folder, `${name}.mjs`)) || glue(name) !== common);
  if (!other) return;
  const hint = "Remove build/wasm and build again; if it comes again, the engines of wasm/CMakeLists.txt differ in more than their instructions.";
  throw new UserError(`${join(folder, `${other}.mjs`)}: expected the same as in engine.mjs but for the file's name, found something else. ${hint}`);
}

/**
 * Builds the engine for the browser: build/wasm/engine.mjs, engine.wasm and engine.rest.wasm, and its variants. Needs the sample
 * model, and converts it where it has to.
 * @param {Machine} machine
 */
export async function buildEngine(machine) {
  const { emscripten } = machine.paths;
  if (!emscripten) throw new UserError("Emscripten: expected its root folder, found none.");
  const first = !LINKED.every((file) => existsSync(file));
  if (first) step("Building the engine for WebAssembly", "All of it is compiled the first time, one to three minutes; later only what changes.");
  const started = performance.now();
  const definitions = { CMAKE_TOOLCHAIN_FILE: join(emscripten, "cmake", "Modules", "Platform", "Emscripten.cmake") };
  const env = await emscriptenEnvironment(emscripten);
  const worked = await cmakeBuild("wasm", machine, { definitions, env });
  const missing = LINKED.filter((file) => !existsSync(file));
  if (missing.length) throw new UserError(`Engine build: expected ${missing.join(" and ")}, found no such file. See wasm/CMakeLists.txt.`);
  checkGlue();
  done(worked ? `Engine built in ${duration(performance.now() - started)}` : "Engine is up to date");
  await convertModels(machine);
  await splitBuilt(findWasmSplit(await binaryenRoot(emscripten, env)));
}

/**
 * Makes of the engines that were linked what a page fetches.
 * @param {string | undefined} tool wasm-split; without it, or where it fails, every engine stays in one piece, which is larger to
 *   fetch and otherwise the same
 */
async function splitBuilt(tool) {
  const names = builtEngines(WHOLE_ENGINES);
  // An engine in one piece is no lasting result: what was missing may be there the next time.
  const made = names.flatMap((name) => [`${name}.wasm`, `${name}.rest.wasm`]).map((file) => join(WASM_BUILD, file));
  const inputs = [
    ...["mjs.symbols", "wasm", "mjs"].flatMap((end) => names.map((name) => join(WHOLE_ENGINES, `${name}.${end}`))), SAMPLE,
    ...["scripts/lib/split.mjs", "scripts/lib/profile.mjs", "scripts/lib/first_visit.mjs", "wasm/host.mjs"].map((file) => join(ROOT, file)),
  ];
  const started = performance.now();
  let whole = false;
  const split = await unlessFresh("split", hashOf(inputs, { tool, names }), [join(WASM_BUILD, "engine.mjs"), ...made], async () => {
    copyFileSync(join(WHOLE_ENGINES, "engine.mjs"), join(WASM_BUILD, "engine.mjs"));
    try {
      if (!tool) throw new UserError("Binaryen's wasm-split was not found beside Emscripten.");
      await splitEngines(WHOLE_ENGINES, names, tool, SAMPLE, WASM_BUILD);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      note(`The engine stays in one piece, and a page's visitors wait for all of it: ${error.message}`);
      keepWhole(WHOLE_ENGINES, names, WASM_BUILD);
      whole = true;
    }
    // Of an engine that is not built any more.
    for (const name of builtEngines()) if (!names.includes(name)) for (const end of ["wasm", "rest.wasm"]) rmSync(join(WASM_BUILD, `${name}.${end}`), { force: true });
  });
  if (!whole) done(split ? `Engine split in ${duration(performance.now() - started)}` : "Engine's two parts are up to date");
}

/** Builds the page: dist/, plain static files. */
export async function buildPage() {
  const keep = (/** @type {string} */ path) => path !== join(ROOT, "web", "models");
  const files = ["package-lock.json", "package.json", "tsconfig.json", "wasm/host.mjs", "wasm/engine.d.ts"].map((name) => join(ROOT, name));
  const engines = [join(WASM_BUILD, "engine.mjs"), ...builtEngines().flatMap((name) => [`${name}.wasm`, `${name}.rest.wasm`].map((file) => join(WASM_BUILD, file)))];
  const inputs = [...filesBelow(join(ROOT, "web"), keep), ...[...files, ...engines].filter((file) => existsSync(file))];
  const started = performance.now();
  const built = await unlessFresh("page", hashOf(inputs), [join(DIST, "index.html")], async () => {
    step("Building the page");
    await must(process.execPath, [join(ROOT, "node_modules", "vite", "bin", "vite.js"), "build", "web"]);
  });
  done(built ? `Page built in ${duration(performance.now() - started)}: dist/` : "Page is up to date: dist/");
}
