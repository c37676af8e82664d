/**
 * From a file of Keras's to a bundle: what scripts/convert.py does, in the same order and with the same words. Pure: no DOM, no
 * worker, no network. It runs in the page's reader worker and, for the tests, under Node.
 */
import { requireArchitecture } from "./architecture.ts";
import { metadataOf, writeBundle } from "./bundle.ts";
import { Hdf5File, type Hdf5Library } from "./hdf5.ts";
import { readModel } from "./keras_hdf5.ts";
import { CONFIG, isTree, readArchive, readWeights } from "./keras_v3.ts";
import type { KerasModel } from "./model.ts";
import { kindOf } from "./sniff.ts";

/** A file by its name, which messages and the bundle repeat. */
export interface NamedBytes {
  name: string;
  bytes: Uint8Array;
}

/**
 * The bundle of a Keras file, whose bytes become the library's own. `onProgress` hears how many tensors of how many have been
 * read. Throws ReaderError.
 */
export async function convert(library: Hdf5Library, { name, bytes }: NamedBytes, onProgress: (done: number, total: number) => void): Promise<Uint8Array<ArrayBuffer>> {
  const { file, read } = open(library, bytes, name);
  try {
    const model = read();
    const metadata = metadataOf(model, name);
    if (model.modelConfig !== null) requireArchitecture(model.modelConfig, `${name}: ${model.layout === "keras-v3" ? CONFIG : "model_config"}`);
    const tensors = model.layers.flatMap((layer) => layer.tensors);
    let done = 0;
    return await writeBundle(name, metadata, tensors, () => onProgress(++done, tensors.length));
  } finally {
    file.close();
  }
}

function open(library: Hdf5Library, bytes: Uint8Array, name: string): { file: Hdf5File; read: () => KerasModel } {
  if (kindOf(bytes, name) === "archive") return readArchive(library, bytes, name);
  const file = new Hdf5File(library, bytes, name);
  return { file, read: () => (isTree(file) ? readWeights(file) : readModel(file)) };
}
