/** What the benchmark needs beside the page's own needs, in build/bench: rivals, models, native engine, micro-kernel. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cmakeBuild } from "../../lib/build.mjs";
import { emscriptenEnvironment } from "../../lib/emscripten.mjs";
import { findPython, KERAS } from "../../lib/keras.mjs";
import { BUILD, ROOT } from "../../lib/paths.mjs";
import { must, run } from "../../lib/run.mjs";
import { note, step, UserError } from "../../lib/say.mjs";
import { filesBelow, hashOf, unlessFresh } from "../../lib/stamp.mjs";

/** @typedef {import("../../lib/probe.mjs").Machine} Machine */

export const HERE = join(ROOT, "scripts", "bench");
export const BENCH = join(BUILD, "bench");
export const MODELS = join(BENCH, "models");
const PYTHON = join(HERE, "python");
export const SIMD_RATE = join(BENCH, "simd_rate.wasm");
export const NATIVE = join(BUILD, "bench-native", "engine_bench");
const VENV_PYTHON = join(BENCH, "venv", "bin", "python");

/** The rivals, as scripts/bench/package-lock.json pins them: no dependency of the project's. */
export async function installRivals() {
  const files = ["package.json", "package-lock.json"].map((name) => join(HERE, name));
  mkdirSync(BENCH, { recursive: true });
  await unlessFresh("bench-rivals", hashOf(files), [join(BENCH, "node_modules", "onnxruntime-web", "package.json")], async () => {
    step("Installing onnxruntime-web and TensorFlow.js into build/bench", "As scripts/bench/package-lock.json pins them.");
    for (const file of files) copyFileSync(file, join(BENCH, file.slice(HERE.length + 1)));
    // No scripts: onnxruntime's would download its native libraries, which nothing here uses.
    await must("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: BENCH });
  });
}

/** A Python with Keras 3, for the models and the picture. @returns {Promise<string>} */
export async function makePython() {
  const requirements = join(PYTHON, "requirements.txt");
  const made = await unlessFresh("bench-python", hashOf([requirements]), [VENV_PYTHON], async () => {
    const python = (await findPython("3.11")) ?? (await findPython("3.12")) ?? (await findPython("3.13"));
    if (!python) throw new UserError("Python: expected 3.11, 3.12 or 3.13 for Keras 3, found none. Install python3 and python3-venv.");
    step("Making the environment build/bench/venv with Keras 3", "Some hundred megabytes are downloaded, once.");
    await must(python, ["-m", "venv", "--clear", join(BENCH, "venv")]);
    await must(VENV_PYTHON, ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "-r", requirements]);
  });
  if (made) rmSync(MODELS, { recursive: true, force: true });
  return VENV_PYTHON;
}

/** All models: Keras makes them, convert.py turns them into bundles. @param {Machine} machine @param {string} python */
export async function makeModels(machine, python) {
  const sources = ["architecture.py", "models.py", "onnx_graph.py", "requirements.txt"].map((name) => join(PYTHON, name));
  await unlessFresh("bench-models", hashOf(sources), [join(MODELS, "made_with.json")], async () => {
    step("Keras makes the benchmark's models", "A minute, once.");
    rmSync(MODELS, { recursive: true, force: true });
    await must(python, [join(PYTHON, "models.py"), MODELS], { env: { KERAS_BACKEND: "jax" } });
  });
  const converter = [join(ROOT, "scripts", "convert.py"), ...filesBelow(join(ROOT, "scripts", "charglow_convert")).filter((file) => file.endsWith(".py"))];
  const names = readdirSync(MODELS).filter((name) => existsSync(join(MODELS, name, "spec.json")));
  const bundle = (/** @type {string} */ name) => join(MODELS, name, "model.safetensors");
  await unlessFresh("bench-bundles", hashOf([...converter, ...sources]), names.map(bundle), async () => {
    step("Converting the benchmark's models");
    for (const name of names) {
      const { unit, embedding } = JSON.parse(readFileSync(join(MODELS, name, "spec.json"), "utf8"));
      const text = embedding ? ["--vocab", join(MODELS, name, "vocabulary.json"), "--unit", unit] : [];
      const args = [join(MODELS, name, "model.keras"), ...text, "--title", name, "--output", bundle(name), "--force", "--quiet"];
      await must(machine.paths.python ?? "python3", [join(ROOT, "scripts", "convert.py"), ...args]);
    }
  });
}

/** The engine for this machine's processor. @param {Machine} machine @returns {Promise<boolean>} false where no compiler is there */
export async function buildNative(machine) {
  for (const compiler of ["clang++", "g++"]) {
    if ((await run(compiler, ["--version"])).code !== 0) continue;
    if (!existsSync(NATIVE)) step("Building the engine natively", "Minutes, once.");
    await cmakeBuild("bench-native", machine, { definitions: { CMAKE_CXX_COMPILER: compiler }, targets: ["engine_bench"] });
    return true;
  }
  note("The engine natively: no clang++ and no g++ was found.");
  return false;
}

/** The micro-kernel that the recurrence is compared with. @param {Machine} machine */
export async function buildSimdRate({ paths: { emcc, emscripten } }) {
  if (!emcc || !emscripten) throw new UserError("Emscripten: expected emcc, found none.");
  const source = join(HERE, "native", "simd_rate.cpp");
  await unlessFresh("bench-simd-rate", hashOf([source], { emcc }), [SIMD_RATE], async () => {
    // The optimisation and instructions that the engine is compiled with.
    const args = ["-O3", "-msimd128", "-std=c++20", "-fno-exceptions", "--no-entry", "-sSTANDALONE_WASM=1", "-sINITIAL_MEMORY=32MB"];
    await must(emcc, [...args, "-o", SIMD_RATE, source], { env: await emscriptenEnvironment(emscripten) });
  });
}

/**
 * A Python with TensorFlow: $CHARGLOW_KERAS_PYTHON, or an environment that `npm run test:keras` has made, the newest first.
 * @returns {Promise<string | null>}
 */
export async function findTensorFlow() {
  const named = process.env.CHARGLOW_KERAS_PYTHON;
  const made = ["keras-2.15", "keras-2.13"].map((name) => join(KERAS, name, "bin", "python"));
  for (const python of named ? [named] : made.filter((file) => existsSync(file))) {
    const { code, how, output } = await run(python, ["-c", "import tensorflow"]);
    if (code === 0) return python;
    if (named) throw new UserError(`${output.trimEnd()}\n\nCHARGLOW_KERAS_PYTHON: expected a Python with TensorFlow, found ${named} (${how}).`);
  }
  return null;
}

/** @param {string} file below build/bench @param {string} content */
export function writeResult(file, content) {
  mkdirSync(BENCH, { recursive: true });
  writeFileSync(join(BENCH, file), content);
}
