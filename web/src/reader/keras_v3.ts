/**
 * Reads the files of `model.save("x.keras")` and `model.save_weights("x.weights.h5")`, Keras 2.12 to 3; the twin of
 * scripts/charglow_convert/keras_v3.py. FORMAT.md, section 8, says what is taken from them.
 *
 * Both hold a tree that follows the model's objects and not its layers' names (keras/src/saving/saving_lib.py of 3.15,
 * _save_state): an object has a group with a group `vars` in it, where its own arrays lie as `0`, `1` …, and beside that
 * `vars` the groups of the objects it holds. Which layer that is, the engine finds out.
 */
import { Archive, SAVE_AGAIN } from "./archive.ts";
import { grouped, quoted, ReaderError } from "./errors.ts";
import { DAMAGED, Hdf5File, type Hdf5Library } from "./hdf5.ts";
import { addWeight, type KerasModel, type Layer } from "./model.ts";
import { startsWith, HDF5 } from "./signature.ts";
import { SAVE_H5 } from "./sniff.ts";
import { parseJson } from "./strict_json.ts";
import { compareUtf8 } from "./utf8.ts";

const VARS = "vars";
/** Beside these, the state of training lies in a model's own group. */
const LAYERS = ["layers", "_layer_checkpoint_dependencies"];
const TRAINING = ["optimizer", "metrics"];

const METADATA = "metadata.json";
export const CONFIG = "config.json";
const WEIGHTS = "model.weights.h5";
const ASSETS = "assets/";
const MAX_METADATA = 2 ** 20;
/** A bundle's header, in which they are to fit, holds no more. */
const MAX_CONFIG = 16 * 2 ** 20;
const MAX_ASSETS = 16 * 2 ** 20;
const MAX_WEIGHTS = 2 ** 31;

const INDEX = /^(0|[1-9][0-9]{0,8})$/;

/** Whether an HDF5 file is a .weights.h5. A layer of a legacy file may have any name: its `layer_names` tells. */
export function isTree(file: Hdf5File): boolean {
  const attributes = file.attributes("");
  if (attributes.has("layer_names") || attributes.has("layer_names0")) return false;
  return file.names("").some((name) => name === VARS || LAYERS.includes(name));
}

/** The weights in a .weights.h5 file, which says nothing else. */
export function readWeights(file: Hdf5File): KerasModel {
  return { layout: "keras-v3-weights", layers: readTree(file), kerasVersion: null, backend: null, modelConfig: null, assets: [] };
}

/** The model in a .keras file, and the HDF5 file in it: its tensors can be read while that is open. */
export function readArchive(library: Hdf5Library, bytes: Uint8Array, name: string): { file: Hdf5File; read: () => KerasModel } {
  const archive = new Archive(bytes, name);
  for (const member of [METADATA, CONFIG, WEIGHTS]) if (!archive.names.includes(member)) refuseMembers(archive.names, member, name);
  const metadata = parseJson(archive.text(METADATA, MAX_METADATA), `${name}: ${METADATA}`);
  const kerasVersion = metadata instanceof Map ? metadata.get("keras_version") : undefined;
  if (typeof kerasVersion !== "string") {
    throw new ReaderError(`${name}: ${METADATA}`, 'an object with a string "keras_version"', "other JSON", SAVE_AGAIN);
  }
  const modelConfig = archive.text(CONFIG, MAX_CONFIG);
  const assets = assetsOf(archive);
  const weights = archive.read(WEIGHTS, MAX_WEIGHTS);
  const where = `${name}: ${WEIGHTS}`;
  if (!startsWith(weights, HDF5)) throw new ReaderError(where, "an HDF5 file", `${grouped(weights.length, "byte")} of something else`, DAMAGED);
  const file = new Hdf5File(library, weights, where);
  return { file, read: () => ({ layout: "keras-v3", layers: readTree(file), kerasVersion, backend: null, modelConfig, assets }) };
}

function refuseMembers(names: string[], missing: string, file: string): never {
  const otherwise = missing === WEIGHTS && names.some((name) => name.startsWith("model.weights.") || name.endsWith(".weights.h5"));
  const hint = otherwise ? `Weights in another format, or in parts, are not read. ${SAVE_AGAIN}` : SAVE_AGAIN;
  const listed = [...names].sort(compareUtf8).slice(0, 5).map(quoted).join(", ") + (names.length > 5 ? ", \u2026" : "");
  throw new ReaderError(file, `a file ${quoted(missing)} in the archive`, listed || "an empty archive", hint);
}

/** The files below assets/ by their path there: vocabularies above all. */
function assetsOf(archive: Archive): [path: string, text: string][] {
  let left = MAX_ASSETS;
  return archive.names.filter((name) => name.startsWith(ASSETS)).sort(compareUtf8).map((name) => {
    const text = archive.text(name, left);
    left -= new TextEncoder().encode(text).length;
    return [name.slice(ASSETS.length), text];
  });
}

/** A Layer for every group with a group `vars` in it, by rising path; the state of training is left out. */
function readTree(file: Hdf5File): Layer[] {
  const { groups, arrays } = file.walk("");
  const ofModel = (group: string) => group === "" || LAYERS.some((layers) => groups.has(join(group, layers)));
  const training = new Set([...groups].filter(ofModel).flatMap((group) => TRAINING.map((name) => join(group, name))));
  // A path is left out with each of the groups above it.
  const counts = (path: string) => !path.split("/").some((_, depth, names) => training.has(names.slice(0, depth + 1).join("/")));

  const members = new Map([...groups].filter((path) => ownerOf(path) !== null && counts(path)).map((path) => [path, [] as string[]]));
  if (members.size === 0) {
    const found = [...training].some((path) => groups.has(path)) ? "the state of training only" : `no group ${quoted(VARS)}`;
    throw new ReaderError(file.name, "a model's weights", found, SAVE_H5);
  }
  for (const path of [...arrays].filter(counts).sort(compareUtf8)) {
    const found = members.get(path.slice(0, Math.max(0, path.lastIndexOf("/"))));
    if (!found) throw new ReaderError(file.where(path), `every array in a group ${quoted(VARS)}`, "one elsewhere", SAVE_AGAIN);
    found.push(path);
  }
  const byOwner = [...members].map(([vars, paths]) => ({ vars, paths, name: ownerOf(vars)! })).sort((a, b) => compareUtf8(a.name, b.name));
  return byOwner.map(({ vars, paths, name }) => {
    const layer: Layer = { name, kerasName: null, tensors: [], leftOut: [] };
    for (const path of paths.sort(compareArrays)) addWeight(layer, path, file.weight(path));
    layer.kerasName = file.attributes(vars).string("name");
    return layer;
  });
}

/** The path of the group that a group `vars` is in; null for any other group. */
function ownerOf(path: string): string | null {
  if (path === VARS) return "";
  return path.endsWith(`/${VARS}`) ? path.slice(0, -VARS.length - 1) : null;
}

function join(group: string, name: string): string {
  return group ? `${group}/${name}` : name;
}

/** Indices by their value; then names, which objects may give their arrays. Both arrays are in the same group. */
function compareArrays(a: string, b: string): number {
  const [x, y] = [a, b].map((path) => path.slice(path.lastIndexOf("/") + 1)) as [string, string];
  const [first, second] = [INDEX.test(x), INDEX.test(y)];
  if (first && second) return Number(x) - Number(y);
  return first !== second ? (first ? -1 : 1) : compareUtf8(x, y);
}
