/** Files that are cut short or damaged: an orderly answer to each, and never a hang that the page would wait for. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { Failure } from "../../web/src/engine/wire.ts";
import { Reader } from "../../web/src/reader/client.ts";
import { countOf } from "../../web/src/reader/errors.ts";
import { random } from "../web/unit/random.ts";
import { Batch, spawn, type Outcome } from "./workers.ts";

const fixture = (path: string) => new Uint8Array(readFileSync(fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url))));
const SMALLEST = fixture("keras-2.1/sequential_one_hot/model.h5");
const CLASSIC = fixture("keras-2.15/classic/model.h5");
const LIBRARY = "The file is damaged or incomplete: copy or download it again.";
const SENTENCE = /^m\.h5: \S.*: expected .+, found .+\.( .+\.)?$|^m\.h5: expected .+, found .+\.( .+\.)?$/s;
const MINUTES = 240_000;
/** Where the superblock says how long the file is (version 0). */
const LENGTH_AT = 40;

const batch = new Batch(4_000);
afterAll(() => batch.close());

const answerTo = (bytes: Uint8Array) => batch.convert({ name: "m.h5", bytes });

/** Every length of the first 1,100 bytes, within `around` of one of HDF5's structures and at the end; elsewhere each `stride`-th. */
function lengthsOf(bytes: Uint8Array, stride: number, around: number): number[] {
  const text = new TextDecoder("latin1").decode(bytes);
  const structures = [...text.matchAll(/TREE|SNOD|HEAP|GCOL|OHDR/g)].map(({ index }) => index);
  return Array.from(bytes, (_, length) => length).filter((length) =>
    length < 1100 || length % stride === 0 || length > bytes.length - 64 || structures.some((at) => Math.abs(at - length) < around));
}

describe("a file cut short", () => {
  it("is refused at every length, by what is missing", async () => {
    for (const length of lengthsOf(SMALLEST, 13, 16)) {
      const outcome = await answerTo(SMALLEST.slice(0, length));
      const text = outcome.kind === "refused" ? outcome.text : outcome.kind;
      const found = length === 0 ? "an empty file." : length < 8 ? `${length} bytes of something else.` : `${countOf(length)} of its ${countOf(SMALLEST.length)} bytes.`;
      // Too short even for the superblock, which says how long the file should be.
      const any = length >= 8 && length < 96;
      expect(any ? text.replace(/found .*/, "found ") : text, String(length)).toContain(any ? "found " : `found ${found} `);
      expect(text).toMatch(SENTENCE);
    }
  }, MINUTES);

  it("and made to look whole: is refused, or still has all its numbers", async () => {
    const whole = (await answerTo(SMALLEST.slice())) as Outcome & { kind: "bundle" };
    expect(whole.kind).toBe("bundle");
    const kinds = { bundle: 0, refused: 0, crash: 0, hang: 0 };
    for (const length of lengthsOf(SMALLEST, 31, 4).filter((each) => each >= 96)) {
      const bytes = SMALLEST.slice(0, length);
      new DataView(bytes.buffer).setBigUint64(LENGTH_AT, BigInt(length), true);
      const outcome = await answerTo(bytes);
      kinds[outcome.kind]++;
      if (outcome.kind === "bundle") expect(outcome.bundle, String(length)).toEqual(whole.bundle);
      else if (outcome.kind === "refused") expect(outcome.text).toMatch(SENTENCE);
      else expect(outcome.kind, String(length)).toBe("hang");
    }
    expect(kinds.refused).toBeGreaterThan(1000);
  }, MINUTES);
});

it.each([["the smallest", SMALLEST], ["the classic", CLASSIC]])("mutated copies of %s are converted, refused or given up", async (_, source) => {
  const next = random(7);
  const whole = (length: number) => Math.floor(next() * length);
  const kinds = { bundle: 0, refused: 0, crash: 0, hang: 0 };
  for (let copy = 0; copy < 300; copy++) {
    const bytes = source.slice();
    for (let change = [1, 1, 4][whole(3)]!; change > 0; change--) {
      const at = whole(bytes.length - 4);
      if (next() < 0.7) bytes[at]! ^= 1 << whole(8);
      else bytes.set([[255, 255, 255, 255], [0, 0, 0, 0], Array.from({ length: 4 }, () => whole(256))][whole(3)]!, at);
    }
    const outcome = await answerTo(bytes);
    kinds[outcome.kind]++;
    if (outcome.kind === "refused") expect(outcome.text, `copy ${copy}`).toMatch(SENTENCE);
  }
  // Most flips hit unused space or a weight, which HDF5 cannot notice.
  expect(kinds.bundle).toBeGreaterThan(60);
  expect(kinds.refused).toBeGreaterThan(60);
}, MINUTES);

describe("the page's side", () => {
  const never = new AbortController().signal;
  const problemOf = (conversion: Promise<unknown>) => conversion.then(() => "converted", (error: Failure) => error.problems[0]!);

  /** A file whose first global heap object has no size: HDF5 (1.10 to 2.0) looks for the next one for ever. */
  const endless = () => {
    const bytes = CLASSIC.slice();
    const heap = new TextDecoder("latin1").decode(bytes).indexOf("GCOL");
    bytes.fill(0, heap + 16, heap + 32);
    return bytes;
  };

  it("gives up a library that hangs, after the deadline", async () => {
    const reader = new Reader({ spawn: () => spawn(), deadline: () => 1000 });
    expect(await problemOf(reader.convert({ name: "m.h5", bytes: endless() }, () => {}, never))).toEqual({
      code: "keras-file", where: "m.h5", expected: "readable HDF5", actual: "that the HDF5 library hangs on it (for 1 seconds)", hint: LIBRARY,
    });
    // The next file has a worker of its own.
    const shares: (number | null)[] = [];
    const bundle = await reader.convert({ name: "m.h5", bytes: CLASSIC.slice() }, (share) => shares.push(share), never);
    expect(bundle.length).toBeGreaterThan(1000);
    expect(shares.slice(0, 2)).toEqual([null, 0]);
    expect(shares.at(-1)).toBe(1);
  });

  it("says that the library crashes", async () => {
    const reader = new Reader({ spawn: () => spawn("parentPort.once('message', () => { throw new Error('null function'); });") });
    expect(await problemOf(reader.convert({ name: "m.h5", bytes: CLASSIC.slice() }, () => {}, never))).toMatchObject({
      where: "m.h5", actual: "that the HDF5 library crashes on it (null function)", hint: LIBRARY,
    });
  });

  it("stops when it is told to", async () => {
    const reader = new Reader({ spawn: () => spawn() });
    const giveUp = new AbortController();
    const conversion = reader.convert({ name: "m.h5", bytes: endless() }, () => giveUp.abort(new Error("given up")), giveUp.signal);
    await expect(conversion).rejects.toThrow("given up");
  });
});
