/** Conversions with scripts/convert.py: the models shipped with the page, and the test fixtures. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { FIXTURES, FIXTURES_NEXT, FIXTURE_BUNDLES, GALLERY, MODELS, PUBLIC_GALLERY, PUBLIC_MODELS, READER_CASES, ROOT } from "./paths.mjs";
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

/**
 * @typedef {object} Listed a model of the gallery, as web/models/gallery.json lists it, in the order in which they are shown
 * @property {string} id its folder below web/models, and its bundle's name
 * @property {string} summary a sentence: what it reads and what it answers
 * @property {string} kind what computes it, and which Keras saved it in which format
 *
 * @typedef {object} Shown what the page is told of a model before it fetches it, in web/public/models/gallery.json
 * @property {string} id the bundle is models/<id>.safetensors
 * @property {string} title
 * @property {string} summary
 * @property {string} kind
 * @property {number} bytes of the bundle
 * @property {string} card path of its model card in the repository
 */

/**
 * The models of the gallery, first to last.
 * @param {string} [models] the folder with one folder for each, and with gallery.json
 * @returns {Listed[]}
 * @throws {UserError} where the list and the folders do not name the same models, or an entry says too little or too much
 */
export function galleryModels(models = MODELS) {
  const where = relative(ROOT, join(models, GALLERY));
  const folders = existsSync(models) ? readdirSync(models, { withFileTypes: true }).filter((entry) => entry.isDirectory()) : [];
  if (!folders.length) throw new UserError(`${relative(ROOT, models)}: expected at least one folder with a Keras model, found none.`);
  if (!existsSync(join(models, GALLERY))) throw new UserError(`${where}: expected the list of the models, found no such file.`);
  /** @type {Listed[]} */
  const listed = JSON.parse(readFileSync(join(models, GALLERY), "utf8"));
  for (const entry of listed) {
    const members = Object.keys(entry).sort().join(", ");
    if (members !== "id, kind, summary" || Object.values(entry).some((value) => typeof value !== "string" || !value)) {
      throw new UserError(`${where}: expected the members id, summary and kind, each with some text, found ${JSON.stringify(entry)}.`);
    }
  }
  const [names, ids] = [folders.map(({ name }) => name).sort(), listed.map(({ id }) => id).sort()];
  if (names.join() !== ids.join()) {
    throw new UserError(`${where}: expected each folder beside it once, ${names.join(", ")}, found ${ids.join(", ") || "none"}.`);
  }
  return listed;
}

/**
 * What the page is told of a model before it fetches it.
 * @param {Listed} listed @param {string} folder of its Keras file, with an about.json @param {string} bundle converted from it
 * @returns {Shown}
 */
export function shown({ id, summary, kind }, folder, bundle) {
  const about = join(folder, "about.json");
  const { title } = JSON.parse(readFileSync(about, "utf8"));
  if (!title) throw new UserError(`${relative(ROOT, about)}: expected a title, which the page lists the model by, found none.`);
  return { id, title, summary, kind, bytes: statSync(bundle).size, card: `web/models/${id}/README.md` };
}

/**
 * Converts every model in web/models into web/public/models/<id>.safetensors, and lists them in gallery.json beside.
 * @param {Machine} machine
 */
export async function convertModels(machine) {
  const gallery = [];
  for (const listed of galleryModels()) {
    const name = listed.id;
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
    gallery.push(shown(listed, folder, output));
    done(made ? `Model ${name} converted in ${duration(performance.now() - started)}` : `Model ${name} is up to date`);
  }
  writeFileSync(PUBLIC_GALLERY, `${JSON.stringify(gallery, null, 2)}\n`);
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
