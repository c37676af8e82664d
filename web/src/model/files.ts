/** What a dropped file is, by its content first and its name second. Nothing is read before its size is known. */
import type { Problem } from "#engine";
import { countText } from "./numbers.ts";

/** Largest file that is read, in bytes. A bundle of this size has 64 million parameters. */
export const FILE_LIMIT = 256 * 1000 * 1000;

export type FileKind =
  /** A bundle in either form, or something only the engine can tell what is wrong with. */
  | "bundle"
  /** JSON without "__metadata__": a Tokenizer, a {token: id} object or a text encoding. */
  | "vocabulary"
  /** A file of Keras's own, to be converted first. */
  | "hdf5"
  | "keras-zip";

const HDF5 = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
const ZIP = [0x50, 0x4b, 0x03, 0x04];

/** `name` decides only where content alone cannot: a zip archive is a Keras file if it is called one. */
export function fileKind(bytes: Uint8Array, name: string): FileKind {
  if (startsWith(bytes, HDF5, 0)) return "hdf5";
  // HDF5 allows a user block in front: the signature is then at 512, 1024, 2048 ...
  for (let offset = 512; offset + HDF5.length <= bytes.length && offset <= 1 << 20; offset *= 2) {
    if (startsWith(bytes, HDF5, offset)) return "hdf5";
  }
  if (startsWith(bytes, ZIP, 0)) return /\.keras$/i.test(name) ? "keras-zip" : "bundle";
  const head = new TextDecoder().decode(bytes.subarray(0, 64)).trimStart();
  if (!head.startsWith("{")) return "bundle";
  return contains(bytes, '"__metadata__"') || contains(bytes, '"tensors"') ? "bundle" : "vocabulary";
}

function startsWith(bytes: Uint8Array, signature: number[], offset: number): boolean {
  return signature.every((byte, i) => bytes[offset + i] === byte);
}

function contains(bytes: Uint8Array, ascii: string): boolean {
  const wanted = Array.from(ascii, (character) => character.charCodeAt(0));
  for (let at = bytes.indexOf(wanted[0]!); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1)) {
    if (startsWith(bytes, wanted, at)) return true;
  }
  return false;
}

/** The command that turns a Keras file into a bundle, with example values for what the file itself does not hold. */
export function convertCommand(name: string): string {
  const quoted = /^[\w.@%+=:,/-]+$/.test(name) && !name.startsWith("-") ? name : `'./${name.replaceAll("'", "'\\''")}'`;
  return `npm run convert -- ${quoted} --vocab tokenizer.json --labels no,yes`;
}

/** One line for people, in the engine's own wording. */
export function problemText(problem: Problem): string {
  const text = `${problem.where}: expected ${problem.expected}, found ${problem.actual}.`;
  return problem.hint ? `${text} ${problem.hint}` : text;
}

export function sizeProblem(name: string, size: number): Problem | null {
  if (size <= FILE_LIMIT) return null;
  return {
    code: "file-too-large", where: name,
    expected: `at most ${countText(FILE_LIMIT)} bytes`, actual: `${countText(size)} bytes`,
    hint: "The page keeps the whole model in memory and reads nothing larger.",
  };
}
