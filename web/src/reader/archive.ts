/**
 * Guarded access to the ZIP archive that a .keras file is; the twin of scripts/charglow_convert/archive.py.
 *
 * The directory is read here, since no small library compares checksums; fflate inflates. Fields are named as in PKWARE's
 * APPNOTE 6.3.10, sections 4.3 and 4.4, whose section numbers stand below.
 */
import { inflateSync } from "fflate";
import { countOf, grouped, printable, quoted, ReaderError } from "./errors.ts";
import { DAMAGED } from "./hdf5.ts";
import { decodeUtf8 } from "./utf8.ts";

export const SAVE_AGAIN = "Load the model in Keras and save it again as .keras.";

const SIGNATURE = { local: 0x04034b50, entry: 0x02014b50, end: 0x06054b50, end64: 0x06064b50, locator64: 0x07064b50 };
const FLAG = { encrypted: 0x1, utf8: 0x800 };
const METHOD = { stored: 0, deflated: 8 };
const METHOD_NAMES: Record<number, string> = {
  1: "shrink", 2: "reduce", 3: "reduce", 4: "reduce", 5: "reduce", 6: "implode", 7: "tokenize", 9: "deflate64", 10: "implode",
  12: "bzip2", 14: "lzma", 18: "terse", 19: "lz77", 97: "wavpack", 98: "ppmd",
};
/** "see the ZIP64 extra field". */
const IN_EXTRA = 0xffff_ffff;
const ZIP64_EXTRA = 1;
/** The upper half of code page 437, in which names are that do not say UTF-8 (appendix D). */
const CODE_PAGE_437 = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0";

interface Entry {
  name: string;
  flags: number;
  method: number;
  checksum: number;
  /** Bytes as they are stored, and as they were. */
  stored: number;
  size: number;
  /** Where the member's own header is. */
  at: number;
}

/** Not an archive, or a damaged one; the message completes "an error: …". */
class Unreadable extends Error {}

/** Names in the directory of a ZIP archive; null where it cannot be read. */
export function archiveNames(bytes: Uint8Array): string[] | null {
  try {
    return entriesOf(bytes).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Unreadable) return null;
    throw error;
  }
}

/** The members of one archive by name. Throws ReaderError for whatever it will not read. */
export class Archive {
  readonly #bytes: Uint8Array;
  readonly #file: string;
  readonly #members = new Map<string, Entry>();

  constructor(bytes: Uint8Array, file: string) {
    this.#bytes = bytes;
    this.#file = file;
    for (const entry of guard(file, () => entriesOf(bytes))) {
      const { name } = entry;
      const where = `${file}: ${quoted(name)}`;
      if (/[\\\0]|^\//.test(name) || name.split("/").includes("..")) {
        throw new ReaderError(where, "a name of a file inside of the archive", "one that could lead out of it", SAVE_AGAIN);
      }
      if (this.#members.has(name)) throw new ReaderError(where, "every file once", "the name twice", SAVE_AGAIN);
      this.#members.set(name, entry);
    }
  }

  /** The files, without the folders. */
  get names(): string[] {
    return [...this.#members.keys()].filter((name) => !name.endsWith("/"));
  }

  /** The whole content of a member that is there, of at most `most` bytes. */
  read(name: string, most: number): Uint8Array {
    const entry = this.#members.get(name)!;
    const where = `${this.#file}: ${name}`;
    if (entry.flags & FLAG.encrypted) throw new ReaderError(where, "a file that is not encrypted", "that it is", SAVE_AGAIN);
    if (entry.method !== METHOD.stored && entry.method !== METHOD.deflated) {
      const method = METHOD_NAMES[entry.method] ?? "an unknown one";
      throw new ReaderError(where, "no compression, or deflate", `the method ${entry.method} (${method})`, SAVE_AGAIN);
    }
    if (entry.size > most) throw new ReaderError(where, `at most ${grouped(most, "byte")}`, countOf(entry.size));
    const content = guard(where, () => contentOf(this.#bytes, entry));
    if (content.length !== entry.size) throw new ReaderError(where, grouped(entry.size, "byte"), countOf(content.length), DAMAGED);
    if (crc32(content) !== entry.checksum) throw unreadable(where, `Bad CRC-32 for file '${printable(name)}'`);
    return content;
  }

  /** The content of a member that holds UTF-8 text, character for character. */
  text(name: string, most: number): string {
    const content = this.read(name, most);
    const text = decodeUtf8(content);
    if (typeof text === "string") return text;
    const byte = content[text.invalidAt]!.toString(16).padStart(2, "0");
    throw new ReaderError(`${this.#file}: ${name}`, "UTF-8 text", `the byte 0x${byte} at offset ${text.invalidAt}`, DAMAGED);
  }
}

function guard<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Unreadable) throw unreadable(where, error.message);
    throw error;
  }
}

function unreadable(where: string, message: string): ReaderError {
  return new ReaderError(where, "a readable ZIP archive", `an error: ${message}`, DAMAGED);
}

/** 4.3.12: what the archive's directory says of its members. Throws Unreadable. */
function entriesOf(bytes: Uint8Array): Entry[] {
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { start, end, shift } = directoryOf(view);
    const entries: Entry[] = [];
    for (let at = start; at < end; ) {
      if (view.getUint32(at, true) !== SIGNATURE.entry) throw new Unreadable("Bad magic number for central directory");
      const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => view.getUint16(at + field, true)) as [number, number, number];
      const flags = view.getUint16(at + 8, true);
      const entry = {
        name: nameOf(bytes.subarray(at + 46, at + 46 + nameLength), flags),
        flags,
        method: view.getUint16(at + 10, true),
        checksum: view.getUint32(at + 16, true),
        stored: view.getUint32(at + 20, true),
        size: view.getUint32(at + 24, true),
        at: view.getUint32(at + 42, true),
      };
      const extra = at + 46 + nameLength;
      readZip64(view, extra, extra + extraLength, entry);
      entry.at += shift;
      entries.push(entry);
      at = extra + extraLength + commentLength;
    }
    return entries;
  } catch (error) {
    if (error instanceof RangeError) throw new Unreadable("Truncated central directory");
    throw error;
  }
}

/**
 * 4.3.14 to 4.3.16: where the directory begins and ends, and by how much all places are off, as in an archive that had something
 * put in front of it.
 */
function directoryOf(view: DataView): { start: number; end: number; shift: number } {
  let end = view.byteLength - 22;
  const least = Math.max(0, end - 0xffff);
  while (end >= least && view.getUint32(end, true) !== SIGNATURE.end) end--;
  if (end < least) throw new Unreadable("File is not a zip file");
  let size = view.getUint32(end + 12, true);
  let offset = view.getUint32(end + 16, true);
  const locator = end - 20;
  if (locator >= 56 && view.getUint32(locator, true) === SIGNATURE.locator64) {
    const end64 = locator - 56;
    if (view.getUint32(end64, true) === SIGNATURE.end64) {
      size = Number(view.getBigUint64(end64 + 40, true));
      offset = Number(view.getBigUint64(end64 + 48, true));
      end = end64;
    }
  }
  const start = end - size;
  if (start < 0) throw new Unreadable("Bad offset for central directory");
  return { start, end, shift: start - offset };
}

/** 4.5.3: what is too large for an entry's own fields. */
function readZip64(view: DataView, start: number, end: number, entry: Entry): void {
  for (let at = start; at + 4 <= end; ) {
    const [tag, length] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    let value = at + 4;
    at = value + length;
    if (at > end) throw new Unreadable("Corrupt extra field");
    if (tag !== ZIP64_EXTRA) continue;
    for (const key of ["size", "stored", "at"] as const) {
      if (entry[key] !== IN_EXTRA) continue;
      if (value + 8 > at) throw new Unreadable("Corrupt zip64 extra field");
      entry[key] = Number(view.getBigUint64(value, true));
      value += 8;
    }
  }
}

function nameOf(bytes: Uint8Array, flags: number): string {
  if (!(flags & FLAG.utf8)) return Array.from(bytes, (byte) => (byte < 0x80 ? String.fromCharCode(byte) : CODE_PAGE_437[byte - 0x80])).join("");
  const name = decodeUtf8(bytes);
  if (typeof name !== "string") throw new Unreadable("a name that is not UTF-8");
  return name;
}

/** 4.3.7: what stands behind a member's own header, unpacked: at most as long as the directory says. */
function contentOf(bytes: Uint8Array, { name, at, stored, size, method }: Entry): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (at < 0 || at + 30 > bytes.length || view.getUint32(at, true) !== SIGNATURE.local) throw new Unreadable("Bad magic number for file header");
  const nameEnd = at + 30 + view.getUint16(at + 26, true);
  if (nameOf(bytes.subarray(at + 30, nameEnd), view.getUint16(at + 6, true)) !== name) {
    throw new Unreadable(`File name in directory '${printable(name)}' and header differ`);
  }
  const start = nameEnd + view.getUint16(at + 28, true);
  if (start + stored > bytes.length) throw new Unreadable("the archive ends inside of the file");
  const raw = bytes.subarray(start, start + stored);
  if (method === METHOD.stored) return raw.subarray(0, size);
  try {
    return inflateSync(raw, { out: new Uint8Array(size) });
  } catch (error) {
    throw new Unreadable(error instanceof Error ? error.message : String(error));
  }
}

/** ISO 3309, as 4.4.7 wants it. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

function crc32(bytes: Uint8Array): number {
  let rest = 0xffff_ffff;
  for (let i = 0; i < bytes.length; i++) rest = CRC_TABLE[(rest ^ bytes[i]!) & 0xff]! ^ (rest >>> 8);
  return ~rest >>> 0;
}
