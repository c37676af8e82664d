/** The one kind of error a reader gives, in the words of scripts/charglow_convert/errors.py. */
import type { Problem } from "#engine";

const MAX_SHOWN = 120;

/** Something is wrong with a file. Says where, what was expected, what was found, what to do. */
export class ReaderError extends Error {
  readonly problem: Problem;

  constructor(where: string, expected: string, actual: string, hint = "") {
    const text = `${printable(where)}: expected ${expected}, found ${actual}.${hint && ` ${hint}`}`;
    super(text);
    this.name = "ReaderError";
    this.problem = { code: "keras-file", where: printable(where), expected, actual, hint, text };
  }
}

/** `text` with everything escaped that could hide or fail to print, as Python's str.isprintable tells (names come from files). */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Z}]/gu, (character) => (character === " " ? character : escaped(character.codePointAt(0)!)));
}

/** Python's unicode_escape. */
function escaped(point: number): string {
  const short = { 9: "\\t", 10: "\\n", 13: "\\r" }[point];
  if (short) return short;
  const hex = point.toString(16);
  if (point < 0x100) return `\\x${hex.padStart(2, "0")}`;
  return point < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}

/** `text` in quotes for a message: escaped, and shortened where it is very long. */
export function quoted(text: string): string {
  const points = Array.from(text);
  if (points.length <= MAX_SHOWN) return `"${printable(text)}"`;
  return `"${printable(points.slice(0, MAX_SHOWN).join(""))}\u2026" (${countOf(points.length)} characters)`;
}

/** Digits in groups of three: "12,345". */
export function countOf(count: number | bigint): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 layer`, `12,345 layers`. */
export function grouped(count: number | bigint, singular: string): string {
  return `${countOf(count)} ${singular}${BigInt(count) === 1n ? "" : "s"}`;
}
