/** Conversions with scripts/convert.py: the models shipped with the page, and the test fixtures. */
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { FIXTURES, FIXTURES_NEXT, FIXTURE_BUNDLES, MODELS, PUBLIC_MODELS, READER_CASES, ROOT } from "./paths.mjs";
import { must } from "./run.mjs";
import { done, duration, step, UserError } from "./say.mjs";
import { filesBelow, hashOf, unlessFresh } from "./stamp.mjs";

/** @typedef {import("./probe.mjs").Machine} Machine */

const CONVERTER = join(ROOT, "scripts", "convert.py");
export const FIXTURE_CONVERTER = join(ROOT, "scripts", "convert_fixtures.py");

/** Sources of the converter, on which every bundle depends. */
const converterSources = () => [
  CONVERTER,
  ...filesBelow(join(ROOT, "scripts", "charglow_convert")).filter((file) => file.endsWith(".py")),
];

/**
 * @param {string} folder below web/models: one Keras file, and what convert.py takes beside it
 * @returns {string[]} arguments for convert.py, without the output
 */
export function modelArguments(folder) {
  const files = existsSync(folder) ? readdirSync(folder) : [];
  const weights = files.filter((file) => /\.(hdf5|h5|keras)$/.test(file));
  if (weights.length !== 1) {
    throw new UserError(`${relative(ROOT, folder)}: expected one .keras, .h5 or .hdf5 file, found ${weights.join(", ") || "none"}.`);
  }
  const options = { "--config": "config.json", "--vocab": "tokenizer.json", "--about": "about.json", "--parity": "parity.json" };
  return [
    ...weights.map((file) => join(folder, file)),
    ...Object.entries(options).flatMap(([option, file]) => (files.includes(file) ? [option, join(folder, file)] : [])),
  ];
}

/** Converts every model in web/models into web/public/models/<name>.safetensors. @param {Machine} machine */
export async function convertModels(machine) {
  const names = existsSync(MODELS) ? readdirSync(MODELS).sort() : [];
  if (!names.length) throw new UserError("web/models: expected at least one folder with a Keras model, found none.");
  for (const name of names) {
    const folder = join(MODELS, name);
    const output = join(PUBLIC_MODELS, `${name}.safetensors`);
    const hash = hashOf([...converterSources(), ...filesBelow(folder)]);
    const started = performance.now();
    const made = await unlessFresh(`model-${name}`, hash, [output], async () => {
      const source = modelArguments(folder);
      step(`Converting the model ${name} from Keras's file`);
      mkdirSync(PUBLIC_MODELS, { recursive: true });
      await must(machine.paths.python ?? "python3", [CONVERTER, ...source, "--output", output, "--quiet"]);
    });
    done(made ? `Model ${name} converted in ${duration(performance.now() - started)}` : `Model ${name} is up to date`);
  }
}

/** Converts every test fixture into build/fixtures/<generation>/<case>.safetensors. @param {Machine} machine */
export async function convertFixtures(machine) {
  const sources = filesBelow(FIXTURES);
  const cases = sources.filter((file) => /\.(h5|keras)$/.test(file)).map((file) => relative(FIXTURES, join(file, "..")));
  if (!cases.length) throw new UserError("tests/fixtures: expected model files, found none.");
  const outputs = cases.map((name) => join(FIXTURE_BUNDLES, `${name}.safetensors`));
  await unlessFresh("fixtures", hashOf([...converterSources(), FIXTURE_CONVERTER, ...sources]), outputs, async () => {
    step(`Converting ${cases.length} test fixtures`);
    await must(machine.paths.python ?? "python3", [FIXTURE_CONVERTER, FIXTURES, FIXTURE_BUNDLES]);
  });
}

/** Has the converter convert whatever its tests and the fixtures hold, and notes its answers in build/reader. @param {Machine} machine */
export async function recordConversions(machine) {
  const recorder = join(ROOT, "tests", "reader", "record.py");
  const tests = filesBelow(join(ROOT, "tests", "convert")).filter((file) => file.endsWith(".py"));
  const sources = [recorder, FIXTURE_CONVERTER, ...converterSources(), ...tests, ...filesBelow(FIXTURES), ...filesBelow(FIXTURES_NEXT)];
  await unlessFresh("reader-cases", hashOf(sources), [join(READER_CASES, "cases.json")], async () => {
    step("Converting what the converter's tests and the fixtures hold");
    rmSync(READER_CASES, { recursive: true, force: true });
    await must(machine.paths.venvPython ?? "python3", [recorder, READER_CASES]);
  });
}
