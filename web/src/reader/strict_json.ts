/**
 * JSON without liberties: no duplicate keys, no NaN, no lone surrogates, bounded depth. The twin of
 * scripts/charglow_convert/strict_json.py, down to the messages of Python's own parser.
 *
 * Objects are Maps, because JavaScript's own move keys that look like numbers to the front.
 */
import { quoted, ReaderError } from "./errors.ts";
import { decodeUtf8 } from "./utf8.ts";

export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = Map<string, Json>;

/** Nested objects and lists. The engine's limits (wasm/bundle/limits.h): models hold models, all else is flat. */
export const MAX_DEPTH = 16;
export const MAX_CONFIG_DEPTH = 200;

/** No text nests deeper without being refused anyway; it keeps the parser's own stack small. */
const PARSER_DEPTH = 900;
/** Python's limit on the digits of a whole number. */
const MAX_DIGITS = 4300;

class Refused extends Error {
  readonly expected: string;
  readonly actual: string;

  constructor(expected: string, actual: string) {
    super(actual);
    this.expected = expected;
    this.actual = actual;
  }
}

const tooDeep = (maxDepth: number) => new Refused(`at most ${maxDepth} levels of nesting`, "more");

/** Parses `text`. Throws ReaderError at `where` for anything that is not strict JSON. */
export function parseJson(text: string, where: string, hint = "", maxDepth = MAX_DEPTH): Json {
  try {
    const value = new Parser(text, maxDepth).document();
    check(value, maxDepth);
    return value;
  } catch (error) {
    if (error instanceof Refused) throw new ReaderError(where, error.expected, error.actual, hint);
    throw error;
  }
}

/** The text of a JSON file: UTF-8, with or without a byte order mark. */
export function readText(bytes: Uint8Array, where: string, hint = ""): string {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    throw new ReaderError(where, "UTF-8 text", "UTF-16 text (as PowerShell's > writes)", "Save it again as UTF-8.");
  }
  const mark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  const text = decodeUtf8(bytes.subarray(mark));
  if (typeof text === "string") return text;
  const at = text.invalidAt + mark;
  throw new ReaderError(where, "UTF-8 text", `the byte 0x${bytes[at]!.toString(16).padStart(2, "0")} at offset ${at}`, hint);
}

/** Refuses lone surrogates and too much nesting. Without recursion, whatever the nesting. */
function check(root: Json, maxDepth: number): void {
  const pending: [Json, number][] = [[root, 0]];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const [value, depth] = next;
    if (typeof value === "string") requireUnicode(value);
    else if (typeof value === "object" && value !== null) {
      if (depth === maxDepth) throw tooDeep(maxDepth);
      if (value instanceof Map) for (const key of value.keys()) pending.push([key, depth + 1]);
      for (const member of value.values()) pending.push([member, depth + 1]);
    }
  }
}

function requireUnicode(text: string): void {
  for (const character of text) {
    const point = character.codePointAt(0)!;
    if (point < 0xd800 || point > 0xdfff) continue;
    throw new Refused("Unicode text", `the lone surrogate U+${point.toString(16).toUpperCase()} in ${quoted(text)}`);
  }
}

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPES: Record<string, string> = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const WORDS: [string, Json][] = [["null", null], ["true", true], ["false", false]];
const CONSTANTS = ["NaN", "Infinity", "-Infinity"];

class Parser {
  readonly #text: string;
  readonly #maxDepth: number;
  #at = 0;
  #depth = 0;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  document(): Json {
    if (this.#text.startsWith("\ufeff")) throw this.#fault("unexpected UTF-8 BOM (decode using utf-8-sig)", 0);
    this.#skipSpace();
    const value = this.#value();
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#fault("extra data");
    return value;
  }

  #value(): Json {
    const first = this.#text[this.#at];
    if (first === '"') return this.#string();
    if (first === "{" || first === "[") {
      if (++this.#depth > PARSER_DEPTH) throw tooDeep(this.#maxDepth);
      const value = first === "{" ? this.#object() : this.#list();
      this.#depth--;
      return value;
    }
    for (const [word, value] of WORDS) if (this.#take(word)) return value;
    for (const constant of CONSTANTS) if (this.#take(constant)) throw new Refused("JSON numbers", constant);
    const number = this.#match(NUMBER);
    if (!number) throw this.#fault("expecting value");
    const [source, whole, fraction, exponent] = number;
    const digits = whole!.replace("-", "").length;
    if (!fraction && !exponent && digits > MAX_DIGITS) throw new Refused("JSON", `a whole number of ${digits} digits`);
    return Number(source);
  }

  #object(): JsonObject {
    const pairs: [string, Json][] = [];
    this.#at++;
    this.#skipSpace();
    if (!this.#take("}")) {
      for (;;) {
        if (this.#text[this.#at] !== '"') throw this.#fault("expecting property name enclosed in double quotes");
        const key = this.#string();
        this.#skipSpace();
        if (!this.#take(":")) throw this.#fault("expecting ':' delimiter");
        this.#skipSpace();
        pairs.push([key, this.#value()]);
        this.#skipSpace();
        if (this.#take("}")) break;
        if (!this.#take(",")) throw this.#fault("expecting ',' delimiter");
        this.#skipSpace();
      }
    }
    const object: JsonObject = new Map();
    for (const [key, value] of pairs) {
      if (object.has(key)) throw new Refused("every key once", `${quoted(key)} twice`);
      object.set(key, value);
    }
    return object;
  }

  #list(): Json[] {
    const list: Json[] = [];
    this.#at++;
    this.#skipSpace();
    if (this.#take("]")) return list;
    for (;;) {
      list.push(this.#value());
      this.#skipSpace();
      if (this.#take("]")) return list;
      if (!this.#take(",")) throw this.#fault("expecting ',' delimiter");
      this.#skipSpace();
    }
  }

  #string(): string {
    const start = this.#at++;
    let text = "";
    for (;;) {
      text += this.#match(PLAIN)![0];
      const next = this.#text[this.#at];
      if (next === undefined) throw this.#fault("unterminated string starting at", start);
      if (next === '"') {
        this.#at++;
        return text;
      }
      if (next !== "\\") throw this.#fault("invalid control character at");
      text += this.#escape(start);
    }
  }

  #escape(start: number): string {
    const letter = this.#text[this.#at + 1];
    if (letter === undefined) throw this.#fault("unterminated string starting at", start);
    if (letter === "u") {
      const digits = this.#text.slice(this.#at + 2, this.#at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.#fault("invalid \\uXXXX escape", this.#at + 1);
      this.#at += 6;
      return String.fromCharCode(parseInt(digits, 16));
    }
    const meant = ESCAPES[letter];
    if (meant === undefined) throw this.#fault("invalid \\escape");
    this.#at += 2;
    return meant;
  }

  #skipSpace(): void {
    this.#match(SPACE);
  }

  #take(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match) this.#at += match[0].length;
    return match;
  }

  #fault(message: string, at = this.#at): Refused {
    const before = this.#text.slice(0, at);
    const column = Array.from(before.slice(before.lastIndexOf("\n") + 1)).length + 1;
    return new Refused("JSON", `${message} at line ${before.split("\n").length}, column ${column}`);
  }
}
