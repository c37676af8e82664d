/**
 * Reads the HDF5 files of `model.save("x.h5")` and `model.save_weights("x.h5")`, Keras 1 to 3; the twin of
 * scripts/charglow_convert/keras_hdf5.py.
 *
 * The tree is the same in every generation (keras/saving/legacy/hdf5_format.py of 2.15): a group per layer below
 * `model_weights` (full model) or at the root (weights only), in the order of the attribute `layer_names`, each with its
 * arrays in the order of its attribute `weight_names`.
 */
import { grouped, quoted, ReaderError } from "./errors.ts";
import { DAMAGED, SAVE_AGAIN, type Attributes, type Hdf5File } from "./hdf5.ts";
import { addWeight, type KerasModel, type Layer } from "./model.ts";
import { EXPECTED, SAVE_H5 } from "./sniff.ts";
import { compareUtf8 } from "./utf8.ts";

const WEIGHTS_GROUP = "model_weights";

/** The model in an HDF5 file. Its tensors can be read while the file is open. Throws ReaderError. */
export function readModel(file: Hdf5File): KerasModel {
  const root = file.attributes("");
  const names = new Set(file.names(""));
  const full = names.has(WEIGHTS_GROUP);
  const top = full ? WEIGHTS_GROUP : "";
  if (full) {
    if (file.kind(WEIGHTS_GROUP) !== "group") throw new ReaderError(file.where(WEIGHTS_GROUP), "a group", "an array", DAMAGED);
  } else if (root.strings("layer_names") === null) refuseLayout(file, names, root);
  const weights = full ? file.attributes(WEIGHTS_GROUP) : root;
  return {
    layout: full ? "keras-hdf5" : "keras-hdf5-weights",
    layers: readLayers(file, top, weights),
    kerasVersion: root.string("keras_version") || weights.string("keras_version"),
    backend: root.string("backend") || weights.string("backend"),
    modelConfig: root.string("model_config"),
    assets: [],
  };
}

function refuseLayout(file: Hdf5File, names: Set<string>, root: Attributes): never {
  const { name } = file;
  if (root.has("model_config")) {
    throw new ReaderError(name, `the weights (a group ${quoted(WEIGHTS_GROUP)})`, "an architecture without weights", SAVE_H5);
  }
  if (names.has("optimizer_weights")) throw new ReaderError(name, "a model's weights", "an optimizer's state only", SAVE_H5);
  if (root.has("nb_layers")) {
    throw new ReaderError(name, EXPECTED, "a file of Keras 0.x (attribute nb_layers)", "Load it in that version and save it with Keras 1.2 or later.");
  }
  const listed = [...names].sort(compareUtf8).slice(0, 5).map(quoted).join(", ") + (names.size > 5 ? ", \u2026" : "");
  throw new ReaderError(name, `a Keras model (a group ${quoted(WEIGHTS_GROUP)} or an attribute "layer_names")`,
    listed ? `an HDF5 file with ${listed}` : "an HDF5 file with nothing in it", SAVE_H5);
}

function readLayers(file: Hdf5File, top: string, attributes: Attributes): Layer[] {
  const prefix = top ? `${top}/` : "";
  const where = file.where(`${prefix}layer_names`);
  const layerNames = attributes.strings("layer_names");
  if (layerNames === null) throw new ReaderError(where, "the attribute that lists the layers", "none", DAMAGED);
  requireUnique(layerNames, where);
  const { groups, arrays } = file.walk(top);

  const layers = layerNames.map((name) => {
    const group = prefix + name;
    const of = `${file.name}: layer ${quoted(name)}`;
    if (!groups.has(group)) throw new ReaderError(of, `a group ${quoted(group)} with its weights`, "none", DAMAGED);
    const weightNames = file.attributes(group).strings("weight_names");
    if (weightNames === null) throw new ReaderError(of, "the attribute weight_names", "none", DAMAGED);
    requireUnique(weightNames, `${file.where(group)}: weight_names`);
    const layer: Layer = { name, kerasName: null, tensors: [], leftOut: [] };
    for (const weight of weightNames) {
      const path = `${group}/${weight}`;
      if (!arrays.delete(path)) throw new ReaderError(of, `the weight ${quoted(weight)}`, "none of that name", DAMAGED);
      addWeight(layer, path, file.weight(path));
    }
    return layer;
  });

  const [first] = [...arrays].sort(compareUtf8);
  if (first !== undefined) {
    throw new ReaderError(file.where(first), "every array to be a weight that one layer lists",
      `${grouped(arrays.size, "array")} that no layer lists`, SAVE_AGAIN);
  }
  return layers;
}

function requireUnique(names: string[], where: string): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw new ReaderError(where, "every name once", `${quoted(name)} twice`, DAMAGED);
    seen.add(name);
  }
}
