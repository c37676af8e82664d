/**
 * Bundles in their binary form (scripts/FORMAT.md, sections 1, 3 and 4): written from a model, and written again with other
 * metadata. The twin of scripts/charglow_convert/bundle.py: the same bytes for the same content.
 */
import { countOf, grouped, ReaderError } from "./errors.ts";
import { bytesOf, ITEM_SIZE, type Dtype, type KerasModel, type Layer, type Tensor } from "./model.ts";
import { Sha256 } from "./sha256.ts";
import { parseJson, type Json } from "./strict_json.ts";
import { compareUtf8, decodeUtf8 } from "./utf8.ts";

const FORMAT = "charglow/1";
const MAX_HEADER = 16 * 1024 * 1024;
/** The order of the table in FORMAT.md section 3. */
const METADATA_KEYS = [
  "format", "digest", "source", "layers", "keras_version", "backend", "model_config", "assets", "choices",
  "text", "labels", "title", "licence", "examples", "parity",
] as const;
const NO_DIGEST = `sha256:${"0".repeat(64)}`;
/** Bytes that are hashed before others get a turn. */
const PIECE = 8 * 1024 * 1024;

export type MetadataKey = (typeof METADATA_KEYS)[number];
export type Metadata = Partial<Record<MetadataKey, string>>;

interface Entry {
  name: string;
  dtype: Dtype;
  shape: number[];
}

const encoder = new TextEncoder();

/** The metadata that comes from the source itself. */
export function metadataOf(model: KerasModel, fileName: string): Metadata {
  const metadata: Metadata = {
    format: FORMAT,
    source: JSON.stringify({ layout: model.layout, file: fileName }),
    layers: `[${model.layers.map(entryOf).join(",")}]`,
  };
  if (model.kerasVersion !== null) metadata.keras_version = model.kerasVersion;
  if (model.backend !== null) metadata.backend = model.backend;
  if (model.modelConfig !== null) metadata.model_config = model.modelConfig;
  if (model.assets.length > 0) metadata.assets = objectOf(model.assets);
  return metadata;
}

function entryOf({ name, kerasName, tensors, leftOut }: Layer): string {
  const members = [member("name", name)];
  if (kerasName !== null) members.push(member("keras_name", kerasName));
  members.push(member("weights", tensors.map((tensor) => tensor.name)));
  if (leftOut.length > 0) members.push(`"left_out":${objectOf(leftOut)}`);
  return `{${members.join(",")}}`;
}

/**
 * The bundle of a model. `onTensor` hears of each tensor that has been read. Throws ReaderError for values that are not finite
 * and for a header that is too long; `file` names the source in its message.
 */
export async function writeBundle(file: string, metadata: Metadata, tensors: Tensor[], onTensor: () => void = () => {}): Promise<Uint8Array<ArrayBuffer>> {
  const ordered = inFileOrder(tensors);
  const header = headerOf(metadata, ordered);
  const bundle = allocated(header.length + ordered.reduce((total, tensor) => total + bytesOf(tensor), 0), file);
  const dataOf = slotsOf(bundle, header.length, ordered);
  for (const tensor of inNameOrder(tensors)) {
    const data = dataOf.get(tensor)!;
    tensor.readInto(data);
    requireFinite(data, tensor);
    onTensor();
  }
  requireHeader(header, file);
  return sealed(bundle, metadata, ordered, dataOf);
}

/**
 * The same bundle with some of its metadata changed: what is undefined is taken out. `bundle` is one in its binary form that
 * the engine has opened. Throws ReaderError where the header gets too long, or where `bundle` is something else.
 */
export async function withMetadata(bundle: Uint8Array, file: string, changes: { [key in MetadataKey]?: string | undefined }): Promise<Uint8Array<ArrayBuffer>> {
  const { metadata, entries, dataStart } = parseHeader(bundle, file);
  for (const [key, value] of Object.entries(changes) as [MetadataKey, string | undefined][]) {
    if (value === undefined) delete metadata[key];
    else metadata[key] = value;
  }
  const header = headerOf(metadata, entries);
  requireHeader(header, file);
  const changed = new Uint8Array(header.length + bundle.length - dataStart);
  changed.set(bundle.subarray(dataStart), header.length);
  return sealed(changed, metadata, entries, slotsOf(changed, header.length, entries));
}

/** The value of one key of a bundle's metadata, or undefined. Throws ReaderError where it is not a bundle in its binary form. */
export function metadataOfBundle(bundle: Uint8Array, file: string): Metadata {
  return parseHeader(bundle, file).metadata;
}

/** A small file may hold a lot, where it is compressed. */
function allocated(length: number, file: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch {
    throw new ReaderError(file, "weights that fit in memory", grouped(length, "byte"), "Convert it with scripts/convert.py.");
  }
}

/** By falling size of their numbers; within a size as they come. */
function inFileOrder<T extends Entry>(entries: T[]): T[] {
  return [...entries].sort((a, b) => ITEM_SIZE[b.dtype] - ITEM_SIZE[a.dtype]);
}

function inNameOrder<T extends Entry>(entries: T[]): T[] {
  return [...entries].sort((a, b) => compareUtf8(a.name, b.name));
}

/** Where each tensor's bytes are in the bundle. */
function slotsOf<T extends Entry>(bundle: Uint8Array<ArrayBuffer>, dataStart: number, ordered: T[]): Map<T, Uint8Array<ArrayBuffer>> {
  let offset = dataStart;
  return new Map(ordered.map((entry) => {
    const begin = offset;
    offset += bytesOf(entry);
    return [entry, bundle.subarray(begin, offset)];
  }));
}

/** Fills in the header, now that the digest can be known. */
async function sealed<T extends Entry>(
  bundle: Uint8Array<ArrayBuffer>, metadata: Metadata, ordered: T[], dataOf: Map<T, Uint8Array>,
): Promise<Uint8Array<ArrayBuffer>> {
  bundle.set(headerOf({ ...metadata, digest: await digestOf(metadata, ordered, dataOf) }, ordered));
  return bundle;
}

/** The length and the header; as long without a digest as with one. */
function headerOf(metadata: Metadata, ordered: Entry[]): Uint8Array {
  const complete: Metadata = { digest: NO_DIGEST, ...metadata };
  const members = METADATA_KEYS.flatMap((key) => (complete[key] === undefined ? [] : [[key, complete[key]] as const]));
  let offset = 0;
  const tensors = ordered.map((entry) => {
    const begin = offset;
    offset += bytesOf(entry);
    return member(entry.name, { dtype: entry.dtype, shape: entry.shape, data_offsets: [begin, offset] });
  });
  const json = encoder.encode(`{${[`"__metadata__":${objectOf(members)}`, ...tensors].join(",")}}`);
  const padded = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(padded.buffer).setBigUint64(0, BigInt(padded.length - 8), true);
  padded.set(json, 8);
  return padded;
}

/** Spelled out member by member, since JavaScript's own objects move names that look like numbers to the front. */
function objectOf(members: readonly (readonly [string, unknown])[]): string {
  return `{${members.map(([key, value]) => member(key, value)).join(",")}}`;
}

function member(key: string, value: unknown): string {
  return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
}

function requireHeader(header: Uint8Array, file: string): void {
  const length = header.length - 8;
  if (length <= MAX_HEADER) return;
  throw new ReaderError(file, `at most ${countOf(MAX_HEADER)} bytes of header`, countOf(length),
    "Architecture, vocabulary, examples and parity together are too long.");
}

/** FORMAT.md section 4. */
async function digestOf<T extends Entry>(metadata: Metadata, entries: T[], dataOf: Map<T, Uint8Array>): Promise<string> {
  const hash = new Sha256();
  const length = new DataView(new ArrayBuffer(8));
  const add = async (bytes: Uint8Array) => {
    length.setBigUint64(0, BigInt(bytes.length), true);
    hash.update(new Uint8Array(length.buffer));
    for (let at = 0; at < bytes.length; at += PIECE) {
      hash.update(bytes.subarray(at, at + PIECE));
      if (bytes.length > PIECE) await new Promise((resolve) => setTimeout(resolve));
    }
  };
  const keys = (Object.keys(metadata) as MetadataKey[]).filter((key) => key !== "digest" && metadata[key] !== undefined);
  for (const key of keys.sort(compareUtf8)) {
    await add(encoder.encode(key));
    await add(encoder.encode(metadata[key]));
  }
  for (const entry of inNameOrder(entries)) {
    await add(encoder.encode(entry.name));
    await add(encoder.encode(entry.dtype));
    await add(encoder.encode(JSON.stringify(entry.shape)));
    await add(dataOf.get(entry)!);
  }
  return `sha256:${hash.hex()}`;
}

/** Parts of a number's highest 16 bits that say its exponent; all of them set: infinite or not a number. */
const EXPONENT = { F16: 0x7c00, F32: 0x7f80, F64: 0x7ff0 };

function requireFinite(data: Uint8Array<ArrayBuffer>, tensor: Tensor): void {
  const size = ITEM_SIZE[tensor.dtype];
  const mask = EXPONENT[tensor.dtype];
  // Every slot begins at a multiple of its numbers' size: the header's length is one of 8, and larger numbers come first.
  const halves = new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
  const step = size / 2;
  let first = -1;
  let count = 0;
  for (let top = step - 1; top < halves.length; top += step) {
    if ((halves[top]! & mask) !== mask) continue;
    if (count++ === 0) first = (top + 1 - step) / step;
  }
  if (count === 0) return;
  const fraction = data.subarray(first * size, (first + 1) * size);
  throw new ReaderError(tensor.where, "finite numbers", `${valueOf(fraction, mask)} at [${indexOf(first, tensor.shape).join(", ")}] (${grouped(count, "such value")})`,
    "The training diverged: use an earlier checkpoint.");
}

/** "inf", "-inf" or "nan": a number whose exponent is all ones. */
function valueOf(bytes: Uint8Array, mask: number): string {
  const top = bytes[bytes.length - 1]! << 8 | bytes[bytes.length - 2]!;
  const fraction = (top & ~mask & 0x7fff) !== 0 || bytes.subarray(0, -2).some((byte) => byte !== 0);
  return fraction ? "nan" : top & 0x8000 ? "-inf" : "inf";
}

/** The indices of an element, from its place in C order. */
function indexOf(place: number, shape: number[]): number[] {
  return shape.reduceRight<number[]>((indices, dimension) => {
    const index = place % dimension;
    place = (place - index) / dimension;
    return [index, ...indices];
  }, []);
}

function parseHeader(bundle: Uint8Array, file: string): { metadata: Metadata; entries: Entry[]; dataStart: number } {
  const refuse = () => new ReaderError(file, "a bundle in its binary form", "something else", "Only that form can be written again.");
  if (bundle.length < 8) throw refuse();
  const length = new DataView(bundle.buffer, bundle.byteOffset).getBigUint64(0, true);
  if (length > BigInt(Math.min(MAX_HEADER, bundle.length - 8))) throw refuse();
  const dataStart = 8 + Number(length);
  const text = decodeUtf8(bundle.subarray(8, dataStart));
  if (typeof text !== "string") throw refuse();
  const header = parseJson(text.trimEnd(), file);
  const stated = header instanceof Map && header.get("__metadata__");
  if (!(stated instanceof Map)) throw refuse();
  const entries = [...(header as Map<string, Json>)].filter(([name]) => name !== "__metadata__").map(([name, entry]) => {
    if (!(entry instanceof Map)) throw refuse();
    return { name, dtype: entry.get("dtype") as Dtype, shape: entry.get("shape") as number[] };
  });
  return { metadata: Object.fromEntries(stated) as Metadata, entries, dataStart };
}
