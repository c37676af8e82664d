/** JSON as the converter reads it (scripts/charglow_convert/strict_json.py), held against what that said of the same files. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ReaderError } from "../../web/src/reader/errors.ts";
import { parseJson, readText, type Json } from "../../web/src/reader/strict_json.ts";

interface File {
  name: string;
  file: string;
  error?: { where: string; expected: string; actual: string };
}

const files = JSON.parse(readFileSync(fileURLToPath(new URL("../fixtures/text/vocabularies.json", import.meta.url)), "utf8")) as File[];
/** Faults of the JSON itself and not of what is in it. */
const FAULTS = /^(JSON|JSON numbers|every key once|Unicode text|at most 16 levels of nesting)$/;
const refusals = files.filter(({ error }) => error && error.where === "vocabulary.json" && FAULTS.test(error.expected));

function refusalOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof ReaderError) return error.message;
    throw error;
  }
  return "nothing was refused";
}

it("there are refusals to compare", () => expect(refusals.length).toBeGreaterThanOrEqual(5));

it.each(refusals)("$name: refused as the converter does", ({ file, error }) => {
  const read = () => {
    const content = parseJson(file, "x");
    return typeof content === "string" ? parseJson(content, "x") : content; // json.dump(tokenizer.to_json())
  };
  expect(refusalOf(read)).toBe(`x: expected ${error!.expected}, found ${error!.actual}.`);
});

const plain = (value: Json): unknown =>
  value instanceof Map ? [...value].map(([key, member]) => [key, plain(member)]) : Array.isArray(value) ? value.map(plain) : value;

describe("what is JSON", () => {
  it.each([
    ['{"b": 1, "1": [true, null, -0.5e-3], "a": {"\\u00e9\\n\\/": "\\ud83d\\ude00"}}', [["b", 1], ["1", [true, null, -0.0005]], ["a", [["é\n/", "😀"]]]]],
    [" [ ] ", []], ["{}", []], ['""', ""], ["-0", -0], ["1E+2", 100],
  ] as const)("%s", (text, value) => expect(plain(parseJson(text, "x"))).toEqual(value));

  it.each([
    ["[1,]", "expecting value at line 1, column 4"], ['{"a" 1}', "expecting ':' delimiter at line 1, column 6"], ["[1 2]", "expecting ',' delimiter at line 1, column 4"],
    ["01", "extra data at line 1, column 2"], ["[", "expecting value at line 1, column 2"], ['"a', "unterminated string starting at at line 1, column 1"],
    ['"\t"', "invalid control character at at line 1, column 2"], ['\n"\\x"', "invalid \\escape at line 2, column 2"], ['"\\u12g4"', "invalid \\uXXXX escape at line 1, column 3"],
    ["\ufeff1", "unexpected UTF-8 BOM (decode using utf-8-sig) at line 1, column 1"], ["\u00a01", "expecting value at line 1, column 1"],
  ])("%j is not", (text, actual) => expect(refusalOf(() => parseJson(text, "x"))).toBe(`x: expected JSON, found ${actual}.`));
});

it.each([
  [[0x7b, 0xe9, 0x7d], "x: expected UTF-8 text, found the byte 0xe9 at offset 1."], [[0xef, 0xbb, 0xbf, 0x61, 0xff], "x: expected UTF-8 text, found the byte 0xff at offset 4."],
  [[0xff, 0xfe, 0x7b, 0], "x: expected UTF-8 text, found UTF-16 text (as PowerShell's > writes). Save it again as UTF-8."],
  [[0x61, 0xe2, 0x82], "x: expected UTF-8 text, found the byte 0xe2 at offset 1."], [[0xed, 0xa0, 0x80], "x: expected UTF-8 text, found the byte 0xed at offset 0."],
])("text that is not UTF-8: %j", (bytes, message) => expect(refusalOf(() => readText(new Uint8Array(bytes), "x"))).toBe(message));
