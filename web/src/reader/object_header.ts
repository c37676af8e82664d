/**
 * What the HDF5 library knows of an array and its JavaScript interface does not tell: how the bytes are stored, how many
 * there are, and the exact layout of a floating-point type. Read from the object's header in the file itself, by the HDF5
 * File Format Specification, version 3.0 (sections named below), as far as files of Keras go. Whatever else there is
 * throws Unfamiliar: better no answer than a wrong one.
 */

/** The header holds something that is not read here; the message completes "found …". */
export class Unfamiliar extends Error {}

export interface ObjectHeader {
  layout: "compact" | "contiguous" | "chunked" | "virtual";
  /** The numbers are in other files. */
  external: boolean;
  /** Bytes that the file holds for the array, compressed ones where it is compressed. */
  stored: bigint;
  /** Lengths of a chunk, one per dimension. Empty where there are no chunks. */
  chunk: bigint[];
  /** IEEE floating-point types as FORMAT.md calls them. null: any other type; "elsewhere": the header does not hold it. */
  float: "F16" | "F32" | "F64" | "elsewhere" | null;
}

const UNDEFINED = 0xffff_ffff_ffff_ffffn;
const MESSAGE = { datatype: 0x03, external: 0x07, layout: 0x08, continuation: 0x10 };
/** More than any real file has; a damaged one may chain its blocks without an end. */
const MOST_BLOCKS = 10_000;

/** A place in the file from which to read on. Reading beyond the end throws RangeError. */
class Cursor {
  readonly #view: DataView;
  at: number;

  constructor(view: DataView, at: number) {
    this.#view = view;
    this.at = at;
  }

  u8(): number {
    return this.#view.getUint8(this.#step(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#step(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#step(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#step(8), true);
  }

  /** A whole number of `width` bytes. */
  unsigned(width: number): bigint {
    let value = 0n;
    for (let i = 0; i < width; i++) value |= BigInt(this.u8()) << BigInt(8 * i);
    return value;
  }

  is(ascii: string): boolean {
    for (const character of ascii) if (this.u8() !== character.charCodeAt(0)) return false;
    return true;
  }

  #step(width: number): number {
    this.at += width;
    return this.at - width;
  }
}

interface Message {
  kind: number;
  shared: boolean;
  at: number;
}

export class ObjectHeaders {
  readonly #view: DataView;
  /** What is added to every address in the file. */
  readonly #base: number;

  /** `signature`: where the file's superblock begins. Throws Unfamiliar. */
  constructor(bytes: Uint8Array, signature: number) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#base = signature;
    this.#within(() => {
      // II: the superblock. The sizes of addresses and lengths stand at other places since version 2.
      const version = new Cursor(this.#view, signature + 8).u8();
      const sizes = new Cursor(this.#view, signature + (version < 2 ? 13 : 9));
      const [addresses, lengths] = [sizes.u8(), sizes.u8()];
      if (version > 3 || addresses !== 8 || lengths !== 8) {
        throw new Unfamiliar(`an HDF5 file of version ${version} with addresses of ${addresses} bytes`);
      }
    });
  }

  /** The header of the array at `address`, as an object reference gives it. Throws Unfamiliar. */
  read(address: bigint): ObjectHeader {
    return this.#within(() => {
      const messages = this.#messages(this.#offset(address));
      const only = (kind: number, what: string) => {
        const [found, more] = messages.filter((message) => message.kind === kind);
        if (!found || more) throw new Unfamiliar(`a header with ${found ? "more than one" : "no"} ${what}`);
        return found;
      };
      const layout = this.#layout(new Cursor(this.#view, only(MESSAGE.layout, "data layout").at));
      return { ...layout, external: messages.some(({ kind }) => kind === MESSAGE.external), float: this.#float(only(MESSAGE.datatype, "datatype")) };
    });
  }

  #within<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof RangeError) throw new Unfamiliar("an object header that leads out of the file");
      throw error;
    }
  }

  #offset(address: bigint): number {
    if (address >= BigInt(this.#view.byteLength)) throw new RangeError();
    return this.#base + Number(address);
  }

  /** IV.A.1: object headers, the first block and those it continues in. */
  #messages(start: number): Message[] {
    const messages: Message[] = [];
    const cursor = new Cursor(this.#view, start);
    const newer = cursor.is("OHDR");
    const version = newer ? cursor.u8() : new Cursor(this.#view, start).u8();
    if (version !== (newer ? 2 : 1)) throw new Unfamiliar(`an object header of version ${version}`);
    let tracked = false;
    let length: number;
    if (newer) {
      const flags = cursor.u8();
      cursor.at += (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
      tracked = (flags & 0x04) !== 0;
      length = Number(cursor.unsigned(1 << (flags & 3)));
    } else {
      cursor.at = start + 8;
      length = cursor.u32();
      cursor.at = start + 16;
    }
    const blocks: [start: number, end: number][] = [[cursor.at, cursor.at + length]];
    for (let index = 0; index < blocks.length; index++) {
      if (index === MOST_BLOCKS) throw new Unfamiliar("an object header without an end");
      this.#block(...blocks[index]!, newer, tracked, messages, blocks);
    }
    return messages;
  }

  #block(start: number, end: number, newer: boolean, tracked: boolean, messages: Message[], blocks: [number, number][]): void {
    const cursor = new Cursor(this.#view, start);
    const head = newer ? (tracked ? 6 : 4) : 8;
    while (cursor.at + head <= end) {
      const kind = newer ? cursor.u8() : cursor.u16();
      const size = cursor.u16();
      const flags = cursor.u8();
      cursor.at += newer ? (tracked ? 2 : 0) : 3;
      const at = cursor.at;
      if (at + size > end) throw new RangeError();
      if (kind === MESSAGE.continuation) {
        const next = this.#offset(cursor.u64());
        const length = Number(cursor.u64());
        // Newer blocks stand between a signature and a checksum, four bytes each.
        blocks.push(newer ? [next + 4, next + length - 4] : [next, next + length]);
      } else messages.push({ kind, shared: (flags & 0x02) !== 0, at });
      cursor.at = at + size;
    }
  }

  /** IV.A.2.i: the data layout message. */
  #layout(cursor: Cursor): Pick<ObjectHeader, "layout" | "stored" | "chunk"> {
    const version = cursor.u8();
    if (version < 3 || version > 5) throw new Unfamiliar(`a data layout of version ${version}`);
    const kind = cursor.u8();
    if (kind === 0) return { layout: "compact", stored: BigInt(cursor.u16()), chunk: [] };
    if (kind === 1) {
      const address = cursor.u64();
      return { layout: "contiguous", stored: address === UNDEFINED ? 0n : cursor.u64(), chunk: [] };
    }
    if (kind === 3) return { layout: "virtual", stored: 0n, chunk: [] };
    if (kind !== 2) throw new Unfamiliar(`a data layout of class ${kind}`);
    return { layout: "chunked", ...(version === 3 ? this.#chunks(cursor) : this.#chunksOfVersion4(cursor)) };
  }

  #chunks(cursor: Cursor): Pick<ObjectHeader, "stored" | "chunk"> {
    const rank = cursor.u8() - 1; // the last length is that of an element
    const tree = cursor.u64();
    const chunk = Array.from({ length: rank }, () => BigInt(cursor.u32()));
    return { chunk, stored: tree === UNDEFINED ? 0n : this.#storedIn(tree, rank) };
  }

  /** III.A.1: version 1 B-trees, whose leaves hold the size of each chunk. */
  #storedIn(root: bigint, rank: number): bigint {
    let stored = 0n;
    const seen = new Set<bigint>();
    const pending = [root];
    for (let address = pending.pop(); address !== undefined; address = pending.pop()) {
      if (seen.has(address)) throw new Unfamiliar("an index of chunks that leads in a circle");
      seen.add(address);
      const cursor = new Cursor(this.#view, this.#offset(address));
      if (!cursor.is("TREE") || cursor.u8() !== 1) throw new Unfamiliar("an index of chunks that is none");
      const level = cursor.u8();
      const entries = cursor.u16();
      cursor.at += 16;
      for (let entry = 0; entry < entries; entry++) {
        const size = cursor.u32();
        cursor.at += 4 + 8 * (rank + 1);
        const child = cursor.u64();
        if (level === 0) stored += BigInt(size);
        else pending.push(child);
      }
    }
    return stored;
  }

  /** Of the chunk indexes that came with version 4 only that of a single chunk. */
  #chunksOfVersion4(cursor: Cursor): Pick<ObjectHeader, "stored" | "chunk"> {
    const flags = cursor.u8();
    const rank = cursor.u8() - 1;
    const width = cursor.u8();
    const chunk = Array.from({ length: rank }, () => cursor.unsigned(width));
    const element = cursor.unsigned(width);
    if (cursor.u8() !== 1) throw new Unfamiliar("chunks as only newer HDF5 versions store them");
    const whole = chunk.reduce((size, step) => size * step, element);
    let stored = whole;
    if (flags & 0x02) {
      stored = cursor.u64();
      cursor.at += 4;
    }
    return { chunk, stored: cursor.u64() === UNDEFINED ? 0n : stored };
  }

  /** IV.A.2.d: the datatype message, compared with what HDF5 writes for IEEE types of either byte order. */
  #float({ at, shared }: Message): ObjectHeader["float"] {
    if (shared) return "elsewhere";
    const cursor = new Cursor(this.#view, at);
    if ((cursor.u8() & 0x0f) !== 1) return null;
    // Normalised mantissa, no bits of padding, no order of the VAX.
    const normalised = (cursor.u8() & 0xfe) === 0x20;
    const sign = cursor.u8();
    cursor.at++;
    const size = cursor.u32();
    const offset = cursor.u16();
    const precision = cursor.u16();
    const fields = [cursor.u8(), cursor.u8(), cursor.u8(), cursor.u8(), cursor.u32()];
    for (const [name, bytes, exponent] of [["F16", 2, 5], ["F32", 4, 8], ["F64", 8, 11]] as const) {
      const bits = 8 * bytes;
      const mantissa = bits - 1 - exponent;
      const wanted = [mantissa, exponent, 0, mantissa, 2 ** (exponent - 1) - 1];
      const plain = normalised && sign === bits - 1 && size === bytes && offset === 0 && precision === bits;
      if (plain && fields.every((field, i) => field === wanted[i])) return name;
    }
    return null;
  }
}
