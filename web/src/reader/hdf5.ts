/**
 * Guarded access to an HDF5 file that may be damaged or hostile; the twin of scripts/charglow_convert/hdf5.py, over h5wasm.
 *
 * HDF5 can point outside of a file (external and soft links, external storage, virtual datasets) and can declare arrays that
 * were never stored (CVE-2026-0897, CVE-2026-1669). Nothing here follows a link or allocates more than the file can hold.
 * The library may still hang or crash on a damaged file: whoever runs this does so in a worker that can be stopped.
 */
import type { ready } from "h5wasm";
import { countOf, grouped, ReaderError } from "./errors.ts";
import { ITEM_SIZE, type OtherKind, type Tensor } from "./model.ts";
import { ObjectHeaders, Unfamiliar, type ObjectHeader } from "./object_header.ts";
import { hdf5SignatureAt } from "./signature.ts";
import { decodeUtf8 } from "./utf8.ts";

export type Hdf5Library = Awaited<typeof ready>;

export const DAMAGED = "The file is damaged or incomplete: copy or download it again.";
export const SAVE_AGAIN = "Load the model in Keras and save it again as .h5.";

const MAX_RANK = 8;
const MAX_DIMENSION = 2 ** 31 - 1;
/** Deflate cannot expand more than this (one bit-pair for 258 bytes). */
const MAX_EXPANSION = 1032n;

/** Deflate, shuffle, fletcher32. LZF is h5py's own and not in h5wasm. */
const FILTERS = [1, 2, 3];
const TYPE = { integer: 0, float: 1, string: 3, opaque: 5, compound: 6, reference: 7, enum: 8, vlen: 9 };
/** What Keras stores among the weights and nothing computes with. */
const OTHERS: Readonly<Record<number, OtherKind>> = { [TYPE.enum]: "enumeration", [TYPE.integer]: "integer", [TYPE.string]: "string" };
const TRUNCATED = /truncated file: eof = (\d+), .*stored_eof = (\d+)/;
/** A name no file can refer to: the library knows no other file than this one. */
const OPENED = "/model";

type Metadata = ReturnType<Hdf5Library["get_attribute_metadata"]>;

/** Turns whatever the library throws on a damaged file into a ReaderError. Wrap calls of it only, never our own logic. */
function guard<T>(where: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw libraryError(where, error);
  }
}

function libraryError(where: string, error: unknown): ReaderError {
  const actual = error instanceof WebAssembly.RuntimeError ? `that the HDF5 library crashes on it (${error.message})`
    : `an error of the HDF5 library: ${libraryMessage(error)}`;
  return new ReaderError(where, "readable HDF5", actual, DAMAGED);
}

/** The error stack in one line, as h5py words it: what was tried, and in parentheses the cause. */
function libraryMessage(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const lines = [...message.matchAll(/^ {2}#\d+: .* line \d+ in \w+\(\): (.*)$/gm)].map((match) => match[1]!);
  const [first, cause] = [lines[0], lines.at(-1)];
  if (!first) return message.trim().replace(/\.+$/, "");
  return `${first[0]!.toUpperCase()}${first.slice(1)} (${cause})`;
}

/** An open file. Paths in it are without the leading "/"; the root is "". */
export class Hdf5File {
  readonly name: string;
  readonly size: number;
  readonly #library: Hdf5Library;
  readonly #id: bigint;
  readonly #headers: ObjectHeaders;
  /** Bytes that all tensors claim so far: no set of them can claim more than there is. */
  #spent = 0n;

  /** `bytes` becomes the library's own. Throws ReaderError; whoever calls has checked that the signature is there. */
  constructor(library: Hdf5Library, bytes: Uint8Array, name: string) {
    this.name = name;
    this.size = bytes.length;
    this.#library = library;
    library.activate_throwing_error_handler();
    library.FS.writeFile(OPENED, bytes, { canOwn: true } as object);
    try {
      this.#id = library.open(OPENED, library.H5F_ACC_RDONLY, false, -1, -1);
    } catch (error) {
      const truncated = TRUNCATED.exec(libraryMessage(error));
      if (!truncated) throw libraryError(name, error);
      const [found, whole] = truncated.slice(1).map((count) => countOf(BigInt(count)));
      throw new ReaderError(name, "a whole HDF5 file", `${found} of its ${whole} bytes`, DAMAGED);
    }
    this.#headers = unfamiliarAt(name, () => new ObjectHeaders(bytes, hdf5SignatureAt(bytes)));
  }

  close(): void {
    this.#library.close_file(this.#id);
    this.#library.FS.unlink(OPENED);
  }

  /** Names of what a group holds. */
  names(group: string): string[] {
    return guard(this.where(group), () => this.#library.get_names(this.#id, `/${group}`, false));
  }

  where(path: string): string {
    return path ? `${this.name}: ${path}` : this.name;
  }

  /** What the hard link at `path` leads to. All groups above it must have been asked for before. */
  kind(path: string): "group" | "array" | "datatype" {
    const where = this.where(path);
    const library = this.#library;
    const absolute = `/${path}`;
    const refuse = (kind: string) => new ReaderError(where, "the data itself", `${kind} (links are never followed)`, SAVE_AGAIN);
    if (guard(where, () => library.get_symbolic_link(this.#id, absolute)) !== null) throw refuse("a soft link");
    if ("filename" in guard(where, () => library.get_external_link(this.#id, absolute))) throw refuse("a link to another file");
    const kind = guard(where, () => library.get_type(this.#id, absolute));
    if (kind === library.H5G_GROUP) return "group";
    if (kind === library.H5G_DATASET) return "array";
    if (kind === library.H5G_TYPE) return "datatype";
    if (kind === library.H5G_LINK || kind === library.H5G_UDLINK) throw refuse("a link");
    throw new ReaderError(where, "a group or an array", "a name that leads nowhere", DAMAGED);
  }

  /** Where the object's header is in the file: its identity, whatever the path to it. */
  #address(path: string): bigint {
    const reference = guard(this.where(path), () => this.#library.create_object_reference(this.#id, `/${path}`));
    return reference.reduceRight((address, byte) => (address << 8n) | BigInt(byte), 0n);
  }

  /**
   * All groups and arrays at and below the group `top`. Every object may be reached in one way only: a second hard link would
   * make a cycle, or a few bytes look like many.
   */
  walk(top: string): { groups: Set<string>; arrays: Set<string> } {
    const groups = new Set([top]);
    const arrays = new Set<string>();
    const seen = new Set([this.#address(top)]);
    const pending = [top];
    for (let parent = pending.pop(); parent !== undefined; parent = pending.pop()) {
      for (const name of this.names(parent)) {
        const path = parent ? `${parent}/${name}` : name;
        const where = this.where(path);
        requireUnicode(path, where);
        const kind = this.kind(path);
        const address = this.#address(path);
        if (seen.has(address)) throw new ReaderError(where, "an object of its own", "a second link to one seen before", SAVE_AGAIN);
        seen.add(address);
        if (kind === "datatype") throw new ReaderError(where, "a group or an array", "a datatype", SAVE_AGAIN);
        (kind === "group" ? groups : arrays).add(path);
        if (kind === "group") pending.push(path);
      }
    }
    return { groups, arrays };
  }

  attributes(group: string): Attributes {
    return new Attributes(this.#library, this.#id, group, this.where(group), this.size);
  }

  /**
   * Checks that the array at `path` is plain, fully stored and of floating-point numbers; reads none of them yet. Of an array
   * that is no weight, which is never read, the kind.
   */
  weight(path: string): Tensor | OtherKind {
    const where = this.where(path);
    const header = unfamiliarAt(where, () => this.#headers.read(this.#address(path)));
    // These two come first: asking such an array for its extent may already open other files.
    const elsewhere = header.layout === "virtual" ? "a virtual dataset" : header.external ? "external storage" : "";
    if (elsewhere) throw new ReaderError(where, "the data itself", `${elsewhere} (other files are never opened)`, SAVE_AGAIN);
    const metadata = guard(where, () => this.#library.get_dataset_metadata(this.#id, `/${path}`));
    const other = OTHERS[metadata.type];
    if (other) return other;
    const { float: dtype } = header;
    if (dtype === "elsewhere") throw unfamiliar(where, "a type that several arrays share");
    if (!dtype) {
      throw new ReaderError(where, "IEEE numbers of type float16, float32 or float64", typeName(metadata), "Weights of other types cannot be run.");
    }
    const { shape } = metadata;
    if (!shape) throw new ReaderError(where, "an array", "an empty dataspace", SAVE_AGAIN);
    if (shape.length > MAX_RANK) throw new ReaderError(where, `at most ${MAX_RANK} dimensions`, String(shape.length));
    if (shape.some((dimension) => dimension > MAX_DIMENSION)) {
      throw new ReaderError(where, `dimensions up to ${countOf(MAX_DIMENSION)}`, `the shape ${shapeOf(shape)}`);
    }
    this.#checkStorage(path, header, shape, ITEM_SIZE[dtype]);
    return { name: path, dtype, shape, where, readInto: (target) => this.#readInto(path, target) };
  }

  /** Compares what the shape declares with what the file stores, before anything is allocated. */
  #checkStorage(path: string, { stored, chunk }: ObjectHeader, shape: number[], itemSize: number): void {
    const where = this.where(path);
    let needed = shape.reduce((size, dimension) => size * BigInt(dimension), BigInt(itemSize));
    if (needed === 0n) return;
    const filters = chunk.length === 0 ? [] : guard(where, () => this.#library.get_dataset_filters(this.#id, `/${path}`));
    const unknown = filters.find(({ id }) => !FILTERS.includes(id));
    if (unknown) throw new ReaderError(where, "no compression or gzip", `the HDF5 filter ${unknown.id}`, SAVE_AGAIN);
    if (chunk.length > 0) {
      if (chunk.length !== shape.length) throw unfamiliar(where, `chunks of ${chunk.length} dimensions for an array of ${shape.length}`);
      // HDF5 stores and unpacks whole chunks, also where they reach beyond the array.
      needed = BigInt(itemSize);
      for (const [axis, step] of chunk.entries()) {
        if (step < 1n) throw new ReaderError(where, "chunks with a size", `a length of ${step}`, DAMAGED);
        needed *= ((BigInt(shape[axis]!) + step - 1n) / step) * step;
      }
    }
    if (needed > stored * (filters.length > 0 ? MAX_EXPANSION : 1n)) {
      throw new ReaderError(where, `${grouped(needed, "byte")} for the shape ${shapeOf(shape)}`, `${grouped(stored, "byte")} stored`, DAMAGED);
    }
    this.#spent += stored;
    if (this.#spent > BigInt(this.size)) {
      throw new ReaderError(where, `at most ${countOf(this.size)} bytes of weights (the file's size)`, countOf(this.#spent), DAMAGED);
    }
  }

  #readInto(path: string, target: Uint8Array): void {
    if (target.length === 0) return;
    withMemory(this.#library, target.length, this.where(path), (pointer) => {
      const status = this.#library.get_dataset_data(this.#id, `/${path}`, null, null, null, BigInt(pointer));
      if (status < 0) throw new Error("the array cannot be read");
      target.set(this.#library.HEAPU8.subarray(pointer, pointer + target.length));
    });
  }
}

/** The string attributes of one group. */
export class Attributes {
  readonly #library: Hdf5Library;
  readonly #id: bigint;
  readonly #path: string;
  readonly #where: string;
  readonly #fileSize: number;
  readonly #names: Set<string>;

  constructor(library: Hdf5Library, id: bigint, group: string, where: string, fileSize: number) {
    this.#library = library;
    this.#id = id;
    this.#path = `/${group}`;
    this.#where = where;
    this.#fileSize = fileSize;
    this.#names = new Set(guard(where, () => library.get_attribute_names(id, this.#path)));
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** A scalar string attribute; null where there is none. */
  string(name: string): string | null {
    if (!this.has(name)) return null;
    const { values, shape } = this.#read(name);
    if (shape.length > 0) throw new ReaderError(`${this.#where}: ${name}`, "one string", `an array of shape ${shapeOf(shape)}`, DAMAGED);
    return values[0]!;
  }

  /**
   * A list of strings; null where there is none. Keras splits a list of more than 64512 bytes into name0, name1, …
   * (keras/saving/hdf5_format.py, save_attributes_to_hdf5_group, since 2.1.6) because an attribute cannot be larger.
   */
  strings(name: string): string[] | null {
    if (this.has(name)) return this.#list(name);
    const parts: string[][] = [];
    while (this.has(`${name}${parts.length}`)) parts.push(this.#list(`${name}${parts.length}`));
    return parts.length > 0 ? parts.flat() : null;
  }

  #list(name: string): string[] {
    const { values, shape } = this.#read(name);
    if (shape.length !== 1) throw new ReaderError(`${this.#where}: ${name}`, "a list of strings", `an array of shape ${shapeOf(shape)}`, DAMAGED);
    return values;
  }

  #read(name: string): { values: string[]; shape: number[] } {
    const where = `${this.#where}: ${name}`;
    const metadata = guard(where, () => this.#library.get_attribute_metadata(this.#id, this.#path, name));
    const shape = metadata.shape ?? [0];
    const size = shape.reduce((total, dimension) => total * dimension, metadata.size);
    if (size === 0) return { values: [], shape }; // Keras writes an empty list as a float64 array of shape (0,)
    if (metadata.type !== TYPE.string) throw new ReaderError(where, "strings", typeName(metadata), DAMAGED);
    if (size > this.#fileSize) throw new ReaderError(where, `at most ${countOf(this.#fileSize)} bytes (the file's size)`, countOf(size), DAMAGED);
    const values = this.#strings(name, size, metadata, where).map((bytes) => {
      const text = decodeUtf8(bytes);
      if (typeof text === "string") return text;
      const before = Array.from(new TextDecoder().decode(bytes.subarray(0, text.invalidAt))).length;
      throw new ReaderError(where, "UTF-8 text", `undecodable bytes at character ${before}`, DAMAGED);
    });
    return { values, shape };
  }

  #strings(name: string, size: number, metadata: Metadata, where: string): Uint8Array[] {
    const library = this.#library;
    return withMemory(library, size, where, (pointer) => {
      if (library.get_attribute_data(this.#id, this.#path, name, BigInt(pointer)) < 0) throw new Error("the attribute cannot be read");
      const strings: Uint8Array[] = [];
      for (let at = pointer; at < pointer + size; at += metadata.size) {
        if (!metadata.vlen) strings.push(fixedString(library.HEAPU8.slice(at, at + metadata.size), metadata.strpad ?? 0));
        else {
          const target = new DataView(library.HEAPU8.buffer).getUint32(at, true);
          strings.push(target === 0 ? new Uint8Array() : library.HEAPU8.slice(target, library.HEAPU8.indexOf(0, target)));
        }
      }
      if (metadata.vlen) library.reclaim_vlen_memory(this.#id, this.#path, name, BigInt(pointer));
      return strings;
    });
  }
}

/** A string of fixed length without what fills it up: zeros, spaces, or whatever follows the first zero. */
function fixedString(bytes: Uint8Array, padding: number): Uint8Array {
  const TERMINATED = 0;
  const SPACES = 2;
  const zero = bytes.indexOf(0);
  if (padding === TERMINATED && zero >= 0) return bytes.subarray(0, zero);
  let length = bytes.length;
  while (length > 0 && (bytes[length - 1] === 0 || (padding === SPACES && bytes[length - 1] === 0x20))) length--;
  return bytes.subarray(0, length);
}

/** Lends `size` bytes of the library's memory to a call of it. */
function withMemory<T>(library: Hdf5Library, size: number, where: string, call: (pointer: number) => T): T {
  const pointer = guard(where, () => library._malloc(size));
  if (pointer === 0) throw new ReaderError(where, "an array that fits in memory", "that it does not");
  try {
    return guard(where, () => call(pointer));
  } finally {
    library._free(pointer);
  }
}

function unfamiliarAt<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Unfamiliar) throw unfamiliar(where, error.message);
    throw error;
  }
}

function unfamiliar(where: string, actual: string): ReaderError {
  return new ReaderError(where, "an array stored as Keras stores it", actual, SAVE_AGAIN);
}

/** h5wasm puts U+FFFD in the place of bytes that are no text; the object then cannot be found by its name. */
function requireUnicode(path: string, where: string): void {
  const at = Array.from(path).indexOf("\ufffd");
  if (at >= 0) throw new ReaderError(where, "UTF-8 text", `undecodable bytes at character ${at}`, DAMAGED);
}

export function shapeOf(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

/** What a type is, in numpy's words where it has some. */
function typeName({ type, size, signed, littleEndian }: Metadata): string {
  if (type === TYPE.integer) {
    const name = `${signed ? "int" : "uint"}${8 * size}`;
    return littleEndian || size === 1 ? name : `>${signed ? "i" : "u"}${size}`;
  }
  if (type === TYPE.float) return `a non-IEEE float of ${8 * size} bits`;
  if (type === TYPE.opaque) return `|V${size}`;
  if (type === TYPE.string) return "strings";
  if (type === TYPE.vlen) return "variable-length arrays";
  if (type === TYPE.reference) return "references";
  if (type === TYPE.enum) return "an enumeration";
  return type === TYPE.compound ? "compound values" : "another type";
}
