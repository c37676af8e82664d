import { expect, it } from "vitest";
import { codePointCount, codePointNames, graphemes, mayRunLeft, spoken, sureBreak } from "../../../web/src/model/graphemes.ts";

const FAMILY = "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}\u200d\u{1f466}";

it.each([
  ["plain", "ab c", ["a", "b", " ", "c"]],
  ["line breaks and tabs", "a\n\tb", ["a", "\n", "\t", "b"]],
  ["CR LF is one", "a\r\nb", ["a", "\r\n", "b"]],
  ["a family", `x${FAMILY}y`, ["x", FAMILY, "y"]],
  ["a flag", "\u{1f1e9}\u{1f1ea}", ["\u{1f1e9}\u{1f1ea}"]],
  ["a skin tone", "\u{1f44d}\u{1f3fd}!", ["\u{1f44d}\u{1f3fd}", "!"]],
  ["a combining mark", "e\u0301a", ["e\u0301", "a"]],
  ["Hangul jamo", "\u1112\u1161\u11ab", ["\u1112\u1161\u11ab"]],
  ["Devanagari", "\u0928\u093f", ["\u0928\u093f"]],
  ["a lone surrogate", "a\ud800b", ["a", "\ud800", "b"]],
  ["nothing", "", []],
])("%s", (_, text, parts) => {
  expect(graphemes(text)).toEqual(parts);
});

it("loses nothing and counts code points", () => {
  const zalgo = "Z" + "\u0301".repeat(200) + "a";
  expect(graphemes(zalgo).join("")).toBe(zalgo);
  expect(graphemes(zalgo)).toHaveLength(2);
  expect(codePointCount(FAMILY)).toBe(7);
  expect(codePointCount("a\ud800b")).toBe(3);
});

it("finds a place where a grapheme surely begins", () => {
  const text = `ab${FAMILY}\u0301cd`;
  expect(sureBreak(text, text.length - 2, -1)).toBe(1);
  expect(sureBreak(text, 3, 1)).toBe(text.length - 1);
  expect(sureBreak(text, text.length, 1)).toBe(text.length);
  expect(sureBreak(text, 0, -1)).toBe(0);
});

it("finds such a place in text without Latin letters too, and never within a grapheme", () => {
  const text = `\u4e16\u754c\u304b\u304c\ud55c\uad6d ${FAMILY}a\u0301\u1112\u1161\u11ab\u4e16\u0301\u1100\uac00\u11a8`.repeat(3);
  const starts = new Set([0, text.length]);
  let at = 0;
  for (const part of graphemes(text)) starts.add((at += part.length));
  for (let offset = 0; offset <= text.length; offset++) {
    for (const step of [-1, 1] as const) expect(starts).toContain(sureBreak(text, offset, step));
  }
  expect(sureBreak(text, 1, 1)).toBe(1);
  expect(sureBreak(text, 4, 1)).toBe(4);
});

it("names what cannot be seen", () => {
  expect(spoken("a")).toBe("\u201ca\u201d");
  expect(spoken(" ")).toBe("space");
  expect(spoken("\n")).toBe("line break");
  expect(spoken("\u202e")).toBe("U+202E");
  expect(codePointNames("e\u0301")).toBe("U+0065 U+0301");
});

/** All code points of these properties. */
function* pointsOf(property: RegExp): Generator<string> {
  for (let point = 0; point <= 0x10ffff; point++) {
    const letter = String.fromCodePoint(point);
    if (property.test(letter)) yield letter;
  }
}

it("knows every letter of the scripts that run from right to left, and every control of direction", () => {
  const scripts = ["Hebr", "Arab", "Syrc", "Thaa", "Nkoo", "Samr", "Mand", "Adlm", "Rohg", "Yezi", "Mend", "Cprt", "Phnx", "Armi", "Khar", "Sogd", "Orkh", "Hung"];
  const letters = [...pointsOf(new RegExp(`^(?=\\p{L})[${scripts.map((script) => `\\p{Script=${script}}`).join("")}]$`, "u"))];
  expect(letters.length).toBeGreaterThan(2000);
  expect(letters.filter((letter) => !mayRunLeft(letter))).toEqual([]);
  expect([...pointsOf(/^\p{Bidi_Control}$/u)].filter((control) => !mayRunLeft(control))).toEqual([]);
});

it("says so of no letter of other scripts, and of no emoji", () => {
  const others = /^(?:(?=\p{L})[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Han}\p{Script=Hangul}\p{Script=Devanagari}\p{Script=Thai}]|[\p{Emoji}\p{P}])$/u;
  expect([...pointsOf(others)].filter(mayRunLeft).filter((letter) => !/\p{Script=Hebrew}|\p{Script=Arabic}|[\u0590-\u08ff\ufb1d-\ufdff]|[\u{10800}-\u{10fff}]|[\u{1e800}-\u{1efff}]/u.test(letter))).toEqual([]);
});
