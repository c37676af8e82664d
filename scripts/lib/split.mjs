/**
 * Splits a linked engine in two with Binaryen's wasm-split: what a first visit runs (engine.wasm), and the rest
 * (engine.rest.wasm), which wasm/host.mjs loads when one of its functions is first called. No function is lost, changed or
 * there twice.
 *
 * Which functions a first visit runs is not written down anywhere but found at each build: an instrumented copy of the engine
 * does here what the page does with its sample (first_visit.mjs).
 */
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./paths.mjs";
import { run } from "./run.mjs";
import { UserError } from "./say.mjs";

/** What the engines use of WebAssembly beyond its first version. Named one by one: what more a wasm-split knows must not get in. */
const FEATURES = ["mutable-globals", "nontrapping-float-to-int", "sign-ext", "bulk-memory", "exception-handling", "simd"];
const features = (/** @type {string} */ name) => [...FEATURES, ...(name === "engine-relaxed" ? ["relaxed-simd"] : [])].map((each) => `--enable-${each}`);

/** A profile as wasm-split writes it: the module's hash, and for each function of its own when it was first called, 0: never. */
const PROFILE_HEADER = 8;
/** Exit code of profile.mjs where this Node.js has not the instructions of an engine. */
const CANNOT_RUN = 3;

/**
 * wasm-split of the Binaryen that this Emscripten uses; undefined where it has none.
 * @param {string} binaryen BINARYEN_ROOT of em-config @returns {string | undefined}
 */
export function findWasmSplit(binaryen) {
  return [join(binaryen, "bin", "wasm-split"), join(binaryen, "wasm-split")].find((file) => existsSync(file));
}

/**
 * @param {string} tool wasm-split @param {string[]} args
 * @throws {UserError}
 */
async function wasmSplit(tool, args) {
  const { code, how, output } = await run(tool, args);
  if (code !== 0) throw new UserError(`${output.trimEnd().slice(-2000)}\n${tool} ${args.join(" ")}: expected exit code 0, found ${how}.`);
}

/**
 * Names of an engine's functions, in their order in the module, imported ones first: what `emcc --emit-symbol-map` wrote.
 * @param {string} whole folder @param {string} name @returns {string[]}
 */
function functionNames(whole, name) {
  const lines = readFileSync(join(whole, `${name}.mjs.symbols`), "utf8").trimEnd().split("\n");
  return lines.map((line, index) => {
    const colon = line.indexOf(":");
    if (Number(line.slice(0, colon)) !== index) throw new UserError(`${name}.mjs.symbols: expected function ${index}, found ${line.slice(0, 80)}.`);
    return line.slice(colon + 1);
  });
}

/** How many functions an engine imports, which come before its own. @param {string} whole folder @param {string} name */
async function importedFunctions(whole, name) {
  const module = await WebAssembly.compile(readFileSync(join(whole, `${name}.wasm`)));
  return WebAssembly.Module.imports(module).filter(({ kind }) => kind === "function").length;
}

/**
 * Runs a first visit in an instrumented copy of an engine.
 * @param {string} whole folder @param {string} name @param {string} tool @param {string} sample path of the bundle
 * @returns {Promise<string[]>} names of the functions that were called; none where this Node.js cannot run the engine
 * @throws {UserError}
 */
async function called(whole, name, tool, sample) {
  const [instrumented, profile] = ["instrumented.wasm", "profile"].map((end) => join(whole, `${name}.${end}`));
  await wasmSplit(tool, ["--instrument", ...features(name), join(whole, `${name}.wasm`), "-o", String(instrumented)]);
  const program = join(ROOT, "scripts", "lib", "profile.mjs");
  const { code, how, output } = await run(process.execPath, [program, join(whole, `${name}.mjs`), String(instrumented), sample, String(profile)]);
  rmSync(String(instrumented));
  if (code === CANNOT_RUN) return [];
  if (code !== 0) throw new UserError(`${output}\nA first visit in ${name}: expected exit code 0, found ${how}.`);
  const bytes = readFileSync(String(profile));
  const [names, first] = [functionNames(whole, name), await importedFunctions(whole, name)];
  const own = names.slice(first);
  if (bytes.length !== PROFILE_HEADER + 4 * own.length) throw new UserError(`${profile}: expected a profile of ${own.length} functions, found ${bytes.length} bytes.`);
  return own.filter((_, index) => bytes.readUInt32LE(PROFILE_HEADER + 4 * index) !== 0);
}

/**
 * Splits all engines that were linked.
 * @param {string} whole folder with what was linked: <name>.mjs, .wasm and .mjs.symbols
 * @param {string[]} names of the engines
 * @param {string} tool wasm-split
 * @param {string} sample path of the bundle that a first visit sees
 * @param {string} target folder for <name>.wasm and <name>.rest.wasm
 * @throws {UserError} where wasm-split, or the visit, fails
 */
export async function splitEngines(whole, names, tool, sample, target) {
  /** Called in any of those that run here: what the engines have in common has the same names in all. @type {Set<string>} */
  const kept = new Set();
  for (const name of names) for (const each of await called(whole, name, tool, sample)) kept.add(each);
  for (const name of names) await splitOne(whole, name, tool, kept, target);
}

/** @param {string} whole @param {string} name @param {string} tool @param {ReadonlySet<string>} kept @param {string} target */
async function splitOne(whole, name, tool, kept, target) {
  const first = await importedFunctions(whole, name);
  const list = join(whole, `${name}.kept`);
  // A linked engine has no names: wasm-split then knows its functions by their place among its own.
  writeFileSync(list, functionNames(whole, name).flatMap((each, index) => (kept.has(each) ? [index - first] : [])).join("\n"));
  const parts = [`${name}.wasm`, `${name}.rest.wasm`].map((file) => ({ made: join(whole, `split.${file}`), place: join(target, file) }));
  await wasmSplit(tool, [
    ...["--split", ...features(name), `--keep-funcs=@${list}`],
    // Short names, since each is there a thousand times.
    ...["--export-prefix=%", "--import-namespace=p", "--placeholder-namespace=r", join(whole, `${name}.wasm`)],
    ...parts.flatMap(({ made }, i) => [`-o${i + 1}`, made]),
  ]);
  for (const { made, place } of parts) renameSync(made, place);
}

/** The engines as they were linked, in one piece each. @param {string} whole @param {string[]} names @param {string} target */
export function keepWhole(whole, names, target) {
  for (const name of names) {
    copyFileSync(join(whole, `${name}.wasm`), join(target, `${name}.wasm`));
    rmSync(join(target, `${name}.rest.wasm`), { force: true });
  }
}
