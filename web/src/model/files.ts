/** What a dropped file is, by its content, and what it is for. Nothing is read before its size is known. */
import type { Problem } from "#engine";
import { hdf5SignatureAt, startsWith } from "../reader/signature.ts";
import { countText } from "./numbers.ts";

/** Largest file that is read, in bytes. A bundle of this size has 64 million parameters. */
export const FILE_LIMIT = 256 * 1000 * 1000;

export type FileKind =
  /** A bundle in either form, or something only the engine can tell what is wrong with. */
  | "bundle"
  /** A model or weights as Keras saved them: HDF5, or a ZIP archive. */
  | "keras"
  /** What `model.to_json()` returned. */
  | "architecture"
  /** A Tokenizer, a {token: id} object or a text encoding; and all JSON that is nothing else. */
  | "vocabulary"
  /** Names of classes: a JSON array, or an about.json that may have them. */
  | "labels";

export interface OpenedFile {
  name: string;
  bytes: Uint8Array;
  kind: FileKind;
}

/** Files that were given at once, each in its role. */
export interface Given {
  /** A bundle, or a file of Keras's. */
  model?: OpenedFile;
  architecture?: OpenedFile;
  vocabulary?: OpenedFile;
  labels?: OpenedFile;
}

/** What there can be of each, for messages. */
const ROLES = { model: "models", architecture: "architectures", vocabulary: "vocabularies", labels: "lists of labels" } as const;
type Role = keyof typeof ROLES;
/** Files that are taken at once: one in each role. */
export const FILES_AT_ONCE = Object.keys(ROLES).length;
const EXPECTED = "a model, and of its architecture, its vocabulary and its labels at most one each";

export function tooMany(count: number): Problem {
  return { code: "too-many-files", where: "files", expected: EXPECTED, actual: `${count} files`, hint: "" };
}

/** Puts each file in its role; all that is wrong where two are in the same. */
export function rolesOf(files: readonly OpenedFile[]): { given: Given } | { problems: Problem[] } {
  const given: Given = {};
  const problems: Problem[] = [];
  for (const [role, plural] of Object.entries(ROLES) as [Role, string][]) {
    const those = files.filter((file) => (isModel(file) ? "model" : file.kind) === role);
    if (those.length > 1) {
      const where = those.map(({ name }) => name).join(", ");
      problems.push({ code: "same-role", where, expected: EXPECTED, actual: `${those.length} ${plural}`, hint: "Drop one of them." });
    } else if (those[0]) given[role] = those[0];
  }
  return problems.length > 0 ? { problems } : { given };
}

const ZIP = [0x50, 0x4b, 0x03, 0x04];
/** Members of an about.json. */
const ABOUT = ["title", "licence", "labels", "examples"];

/** Bytes of a file that `mustBeModel` looks at. */
export const HEAD = 64;

/** Whether a file that begins so is taken for a model whatever follows: all that is not JSON. */
export function mustBeModel(head: Uint8Array): boolean {
  return !/^["[{]/.test(new TextDecoder().decode(head.subarray(0, HEAD)).trimStart());
}

/** Whether a file is taken for a model. */
export const isModel = ({ kind }: Pick<OpenedFile, "kind">): boolean => kind === "bundle" || kind === "keras";

/** By content alone: names lie. */
export function fileKind(bytes: Uint8Array): FileKind {
  if (hdf5SignatureAt(bytes) >= 0 || startsWith(bytes, ZIP)) return "keras";
  if (mustBeModel(bytes)) return "bundle";
  if (contains(bytes, '"__metadata__"') || contains(bytes, '"tensors"')) return "bundle";
  return jsonKind(valueOf(new TextDecoder().decode(bytes)));
}

function jsonKind(value: unknown): FileKind {
  if (Array.isArray(value)) return "labels";
  if (typeof value !== "object" || value === null) return "vocabulary";
  if ("class_name" in value && "config" in value) return value.class_name === "Tokenizer" ? "vocabulary" : "architecture";
  // A word that is the name of a member has a number in a vocabulary.
  const members = Object.entries(value);
  return members.length > 0 && members.every(([key, member]) => ABOUT.includes(key) && typeof member !== "number") ? "labels" : "vocabulary";
}

/** The value of JSON, also of JSON in a JSON string, as json.dump(model.to_json()) writes it; undefined where it is none. */
function valueOf(json: string): unknown {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "string" ? (JSON.parse(value) as unknown) : value;
  } catch {
    return undefined;
  }
}

function contains(bytes: Uint8Array, ascii: string): boolean {
  const wanted = Array.from(ascii, (character) => character.charCodeAt(0));
  for (let at = bytes.indexOf(wanted[0]!); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1)) {
    if (startsWith(bytes, wanted, at)) return true;
  }
  return false;
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
