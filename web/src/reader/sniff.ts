/** Which kind of file this is, by its content; the twin of scripts/charglow_convert/sniff.py. */
import { archiveNames } from "./archive.ts";
import { countOf, ReaderError } from "./errors.ts";
import { hdf5SignatureAt, startsWith } from "./signature.ts";

export const EXPECTED = "a Keras file (.keras, .h5, .hdf5)";
const MEMBERS = ["metadata.json", "config.json", "model.weights.h5"];
const DOWNLOAD = "Download the file itself again.";
export const SAVE_H5 = 'In Keras: model.save("model.h5").';

const ascii = (text: string) => Array.from(text, (character) => character.charCodeAt(0));

/** Offset, first bytes, what it is, hint. */
const MAGIC: readonly (readonly [number, number[], string, string])[] = [
  [0, ascii("\x89PNG\r\n\x1a\n"), "a PNG image", ""],
  [0, [0xff, 0xd8, 0xff], "a JPEG image", ""],
  [0, ascii("GIF8"), "a GIF image", ""],
  [0, ascii("%PDF-"), "a PDF document", ""],
  [0, ascii("version https://git-lfs"), "a Git LFS pointer, not the file itself", "Run `git lfs pull`, or download the file itself."],
  [0, [0x1f, 0x8b], "a gzip archive", "Unpack it first."],
  [0, ascii("7z\xbc\xaf\x27\x1c"), "a 7z archive", "Unpack it first."],
  [257, ascii("ustar"), "a tar archive", "Unpack it first."],
  [0, ascii("\x93NUMPY"), "a NumPy array (.npy)", SAVE_H5],
  [4, ascii("TFL3"), "a TensorFlow Lite model", SAVE_H5],
  [0, ascii("GGUF"), "a GGUF model", SAVE_H5],
  [8, ascii('{"'), "a safetensors file", "It needs no conversion if it is a bundle: open it as it is."],
];

/** HDF5, or the ZIP archive of a .keras file; throws ReaderError that says what else it looks like. */
export function kindOf(bytes: Uint8Array, name: string): "HDF5" | "archive" {
  if (bytes.length === 0) throw new ReaderError(name, EXPECTED, "an empty file", DOWNLOAD);
  if (hdf5SignatureAt(bytes) >= 0) return "HDF5";
  const names = startsWith(bytes, ascii("PK")) ? archiveNames(bytes) : [];
  if (names?.some((member) => MEMBERS.includes(member))) return "archive";
  const [what, hint] = startsWith(bytes, ascii("PK")) ? zip(names) : looksLike(bytes);
  throw new ReaderError(name, EXPECTED, what, hint);
}

function zip(names: string[] | null): [what: string, hint: string] {
  if (names === null) return ["what looks like a damaged ZIP archive", DOWNLOAD];
  if (names.some((name) => name.endsWith("data.pkl"))) return ["what looks like a PyTorch model", "Only Keras models can be read."];
  return ["what looks like a ZIP archive", "Unpack it first."];
}

function looksLike(bytes: Uint8Array): [what: string, hint: string] {
  for (const [offset, magic, what, hint] of MAGIC) {
    if (startsWith(bytes, magic, offset)) return [`what looks like ${what}`, hint];
  }
  if (bytes[0] === 0x80 && [2, 3, 4, 5].includes(bytes[1]!)) {
    return ["what looks like a Python pickle", `Pickles are never opened: they can run code. ${SAVE_H5}`];
  }
  const text = new TextDecoder("utf-8").decode(bytes.subarray(0, 1024)).trimStart();
  if (text.startsWith("<")) return ["what looks like a web page (HTML)", DOWNLOAD];
  if (/^[{[]/.test(text)) return ["what looks like JSON", "The weights are in another file; give an architecture by --config, a vocabulary by --vocab."];
  return [`${countOf(bytes.length)} bytes of something else`, SAVE_H5];
}
