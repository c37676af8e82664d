/** The real Kerases that fixtures are made with: which there are, and their Python environments in build/keras. */
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { isAtLeast } from "./node_version.mjs";
import { BUILD, ROOT } from "./paths.mjs";
import { programs } from "./probe.mjs";
import { must, run } from "./run.mjs";
import { step, UserError } from "./say.mjs";
import { hashOf, unlessFresh } from "./stamp.mjs";

export const KERAS = join(BUILD, "keras");
export const FIXTURE_SCRIPTS = join(ROOT, "scripts", "fixtures");

/**
 * @typedef {object} Generation
 * @property {string} name folder below tests/fixtures
 * @property {string} what
 * @property {string} python the minor version that this Keras runs on
 * @property {string} environment folder below build/keras, filled from requirements-<environment>.txt
 * @property {string} script in scripts/fixtures
 * @property {{environment: string, backend: string}} [gradients] where another backend makes them: what it runs in, and its name
 */

/** From the oldest on. @type {Generation[]} */
export const GENERATIONS = [
  { name: "keras-1.2", what: "Keras 1.2 on Theano", python: "3.6", environment: "keras-1.2", script: "make_keras_1.py" },
  { name: "keras-2.1", what: "Keras 2.1 on TensorFlow 1.15", python: "3.7", environment: "keras-2.1", script: "make_keras_2_2.py" },
  { name: "keras-2.2", what: "Keras 2.2 on TensorFlow 1.15", python: "3.7", environment: "keras-2.2", script: "make_keras_2_2.py" },
  { name: "tf-1.15", what: "tf.keras of TensorFlow 1.15", python: "3.7", environment: "keras-2.2", script: "make_tf_1_15.py" },
  { name: "keras-2.13", what: "tf.keras 2.13", python: "3.11", environment: "keras-2.13", script: "make_keras_2_13.py" },
  { name: "keras-2.15", what: "tf.keras 2.15", python: "3.11", environment: "keras-2.15", script: "make_keras_2_15.py" },
  {
    name: "keras-3",
    what: "Keras 3 on JAX",
    python: "3.11",
    environment: "keras-3",
    script: "make_keras_3.py",
    gradients: { environment: "keras-3-tensorflow", backend: "tensorflow" },
  },
];

/** @param {string[]} names from the command line; none means all @returns {Generation[]} */
export function selectGenerations(names) {
  const unknown = names.filter((name) => !GENERATIONS.some((generation) => generation.name === name));
  if (unknown.length) {
    throw new UserError(`npm run test:keras: expected names among ${GENERATIONS.map(({ name }) => name).join(", ")}, found ${unknown.join(", ")}.`);
  }
  return GENERATIONS.filter(({ name }) => !names.length || names.includes(name));
}

/**
 * Where a Python of this minor version may be: on $PATH, and among pyenv's, the newest first.
 * @param {string} version such as "3.7" @param {string} [pyenv] pyenv's root folder @param {string} [path] folders, as in $PATH
 */
export function pythonCandidates(version, pyenv = process.env.PYENV_ROOT ?? join(os.homedir(), ".pyenv"), path = process.env.PATH) {
  const folder = join(pyenv, "versions");
  const versions = (existsSync(folder) ? readdirSync(folder) : [])
    .filter((name) => name.startsWith(`${version}.`))
    .sort((a, b) => (isAtLeast(a, b) ? -1 : 1));
  return [...programs(`python${version}`, path), ...versions.map((name) => join(folder, name, "bin", "python"))];
}

/**
 * The first Python of exactly this minor version that can make environments. (A pyenv shim on $PATH is there for every
 * version, and runs only those that are switched on.)
 * @param {string} version @returns {Promise<string | null>}
 */
export async function findPython(version) {
  const question = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])";
  for (const candidate of pythonCandidates(version)) {
    const { code, stdout } = await run(candidate, ["-c", question]);
    if (code === 0 && stdout.trim() === version) return candidate;
  }
  return null;
}

/**
 * Makes a generation's environment with the versions that its requirements pin, unless it is there.
 * @param {{environment: string}} generation or its `gradients` @param {string} python
 * @returns {Promise<string>} the environment's Python
 * @throws {UserError} with pip's output
 */
export async function makeEnvironment({ environment }, python) {
  const requirements = join(FIXTURE_SCRIPTS, `requirements-${environment}.txt`);
  const folder = join(KERAS, environment);
  const inside = join(folder, "bin", "python");
  await unlessFresh(`keras-${environment}`, hashOf([requirements], { python }), [inside], async () => {
    step(`Making the environment build/keras/${environment} with ${python}`, "Some hundred megabytes are downloaded, once.");
    mkdirSync(KERAS, { recursive: true });
    await must(python, ["-m", "venv", "--clear", folder]);
    await must(inside, ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "-r", requirements]);
  });
  return inside;
}
