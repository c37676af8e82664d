import { Fate } from "#engine";
import { describe, expect, it } from "vitest";
import { changedMuch, guessPieces, pieceAt, rankOf, readPieces, weightsOf, type Piece } from "../../../web/src/model/cells.ts";
import { graphemes } from "../../../web/src/model/graphemes.ts";
import { answerOf, shadingOf } from "./answers.ts";
import { random } from "./random.ts";

const texts = (pieces: Piece[]) => pieces.map(({ text }) => text);
const read = (text: string, vocabulary: string, steps: number, values: number[], oov: number | null = null) =>
  readPieces(text, answerOf(text, vocabulary, steps, oov), shadingOf(values));

describe("readPieces", () => {
  it("gives each character its own timestep's attention", () => {
    const pieces = read("abc", "abc", 5, [0.1, 0.2, 0.3, 0.25, 0.15]);
    expect(pieces.map((piece) => piece.kind === "cell" && [piece.text, piece.fate, piece.steps, piece.ids, +piece.weight!.toFixed(3)])).toEqual([
      ["a", "read", [2], [1], 0.3],
      ["b", "read", [3], [2], 0.25],
      ["c", "read", [4], [3], 0.15],
    ]);
  });

  it("moves what follows a dropped character up, and gives that character no weight", () => {
    const pieces = read("a\u00e7b", "ab", 3, [0.5, 0.3, 0.2]);
    expect(pieces.map((piece) => piece.kind === "cell" && [piece.fate, piece.steps, piece.weight === null])).toEqual([
      ["read", [1], false], ["dropped", [], true], ["read", [2], false],
    ]);
  });

  it("sums the attention of the code points of one grapheme, and says where only some are read", () => {
    const [cell] = read("e\u0301", "e\u0301", 2, [0.25, 0.5]);
    expect(cell).toMatchObject({ text: "e\u0301", fate: "read", steps: [0, 1], weight: 0.75 });
    expect(read("e\u0301", "e", 2, [0.25, 0.5])[0]).toMatchObject({ fate: "partly", steps: [1], weight: 0.5 });
  });

  it("tells an unknown character that is read from one that is left out", () => {
    expect(read("\u00e7", "ab", 2, [0.5, 0.5], 9)[0]).toMatchObject({ fate: "unknown", ids: [9], weight: 0.5 });
  });

  it("counts a timestep that several code points share once", () => {
    const answer = answerOf("ab", "ab", 2);
    answer.text!.position.fill(1);
    expect(readPieces("e\u0301", { ...answer, text: { ...answer.text! } }, shadingOf([0.4, 0.6]))[0]).toMatchObject({ steps: [1] });
  });

  it("joins the letters of a word to one cell, and those of one left out; what separates words stays apart", () => {
    const answer = answerOf("ab  zz, a", "abz, ", 3);
    answer.text!.fate.set([0, 0, 4, 4, 2, 2, 4, 4, 1]);
    answer.text!.position.set([1, 1, -1, -1, -1, -1, -1, -1, 2]);
    answer.text!.count.set([1, 1, 0, 0, 0, 0, 0, 0, 1]);
    const pieces = readPieces("ab  zz, a", answer, shadingOf([0.1, 0.3, 0.6]), "word");
    expect(pieces.map((piece) => piece.kind === "cell" && [piece.text, piece.fate, piece.steps])).toEqual([
      ["ab", "read", [1]], [" ", "filtered", []], [" ", "filtered", []], ["zz", "dropped", []], [",", "filtered", []], [" ", "filtered", []], ["a", "unknown", [2]],
    ]);
    expect(weightsOf(pieces).map((weight) => +weight.toFixed(6))).toEqual([0.3, 0.6]);
  });

  it("tells neighbours apart that are left out each by itself", () => {
    expect(texts(read("\u00e7\u5b57", "ab", 2, [0.5, 0.5]))).toEqual(["\u00e7", "\u5b57"]);
  });

  it("gives all characters under one step its weight, and none to what no step stands for", () => {
    const map = { input: 0, stride: 2, offset: 0, width: 2 };
    const pieces = readPieces("abcde", answerOf("abcde", "abcde", 5), shadingOf([0.75, 0.25], map));
    expect(pieces.map((piece) => piece.kind === "cell" && piece.weight)).toEqual([0.75, 0.75, 0.25, 0.25, null]);
  });

  it("covers two timesteps with one code point that lower-cases to two", () => {
    const answer = answerOf("a", "a", 2);
    answer.text!.position[0] = 0;
    answer.text!.count[0] = 2;
    expect(readPieces("\u0130", answer, shadingOf([0.25, 0.5]))[0]).toMatchObject({ steps: [0, 1], weight: 0.75 });
  });

  it("draws what is cut off as one run, in place", () => {
    const pieces = read("aaaab", "ab", 2, [0.5, 0.5]);
    expect(pieces.map(({ kind, text }) => [kind, text])).toEqual([["run", "aaa"], ["cell", "a"], ["cell", "b"]]);
    expect(pieces[0]).toMatchObject({ fate: "cut" });
  });

  it("has one cut, whatever is unknown among what is cut off", () => {
    const pieces = read("a\u00e7a\u00e7ab", "ab", 2, [0.5, 0.5]);
    expect(pieces.map(({ kind, text }) => [kind, text])).toEqual([["run", "a\u00e7a"], ["cell", "\u00e7"], ["cell", "a"], ["cell", "b"]]);
    const post = answerOf("ab\u00e7ab", "ab", 4);
    post.text!.fate.set([0, 0, 2, 5, 5]);
    post.text!.position.set([0, 1, -1, -1, -1]);
    expect(readPieces("ab\u00e7ab", post, null).map(({ kind, text }) => [kind, text])).toEqual([["cell", "a"], ["cell", "b"], ["cell", "\u00e7"], ["run", "ab"]]);
  });

  it("has no weights without a signal, and no pieces without a text", () => {
    expect(weightsOf(readPieces("ab", answerOf("ab", "ab", 2), null))).toEqual([]);
    expect(readPieces("", answerOf("", "ab", 2), shadingOf([0.5, 0.5]))).toEqual([]);
  });

  it("has all of the text in its pieces, in order, for any text", () => {
    const next = random(3);
    const alphabet = ["a", "b", " ", "\n", "\t", "\u00e7", "\u0301", "\u200d", "\u{1f468}", "\u{1f1e9}", "\ud800", "\r", "\u05d0", "\u202e"];
    for (let round = 0; round < 300; round++) {
      const text = Array.from({ length: Math.floor(40 * next()) }, () => alphabet[Math.floor(alphabet.length * next())]).join("");
      expect(texts(read(text, "ab \n", 12, Array(12).fill(1 / 12))).join("")).toBe(text);
    }
  });

  it("cuts the same cells out of a long text as out of all of it", () => {
    const alphabet = ["a", "b", "a", "b", "\u0301", "\u200d", "\u{1f468}", "\u{1f1e9}", "\u00e7", "\n"];
    const next = random(5);
    for (let round = 0; round < 200; round++) {
      const text = Array.from({ length: 60 }, () => alphabet[Math.floor(alphabet.length * next())]).join("");
      const pieces = read(text, "ab\n\u{1f468}", 9, Array(9).fill(1 / 9));
      expect(texts(pieces).join("")).toBe(text);
      const whole = graphemes(text);
      const shown = pieces.filter(({ kind }) => kind === "cell");
      expect(whole.slice(whole.length - shown.length)).toEqual(texts(shown));
    }
  });

  it("sums up to what the engine put on the text", () => {
    const values = [0.1, 0.2, 0.3, 0.25, 0.15];
    const total = weightsOf(read("ab\u{1f600}a", "ab\u{1f600}", 5, values)).reduce((sum, weight) => sum + weight, 0);
    expect(total).toBeCloseTo(0.9, 6);
  });
});

describe("guessPieces", () => {
  it("keeps the pieces of what did not change", () => {
    const before = read("hello", "helo", 5, [0.2, 0.2, 0.2, 0.2, 0.2]);
    const after = guessPieces("help!lo", before);
    expect(texts(after).join("")).toBe("help!lo");
    expect(after[0]).toBe(before[0]);
    expect(after[2]).toBe(before[2]);
    expect(after.at(-1)).toBe(before.at(-1));
    expect(after.filter((piece) => piece.kind === "cell" && piece.fate === "pending").map(({ text }) => text)).toEqual(["p", "!"]);
  });

  it("joins a combining mark to the character before it", () => {
    const after = guessPieces("ae\u0301b", read("aeb", "aeb", 3, [0.3, 0.3, 0.4]));
    expect(texts(after)).toEqual(["a", "e\u0301", "b"]);
  });

  it("has all of the text for any edit", () => {
    const next = random(11);
    const alphabet = ["a", "b", "\u0301", "\u{1f468}", "\u200d", "\n"];
    let text = "";
    let pieces: Piece[] = [];
    for (let round = 0; round < 500; round++) {
      const from = Math.floor((text.length + 1) * next());
      const to = Math.min(text.length, from + Math.floor(3 * next()));
      text = text.slice(0, from) + Array.from({ length: Math.floor(3 * next()) }, () => alphabet[Math.floor(alphabet.length * next())]).join("") + text.slice(to);
      pieces = guessPieces(text, pieces);
      expect(texts(pieces).join("")).toBe(text);
      if (round % 7 === 0) pieces = read(text, "ab\n", 20, Array(20).fill(0.05));
    }
  });

  it("keeps the colour of a word that a letter is added to or taken from", () => {
    const word = { kind: "cell" as const, text: "hello", fate: "read" as const, steps: [1], ids: [7], weight: 0.5 };
    for (const text of ["hellos", "hell", "hell yes"]) {
      const [first, ...rest] = guessPieces(text, [word], "word");
      expect(first).toEqual({ ...word, text: text.split(" ")[0] });
      expect(texts(rest)).toEqual(text.includes(" ") ? [" ", "yes"] : []);
    }
    expect(guessPieces("yes", [word], "word")).toMatchObject([{ text: "yes", fate: "pending" }]);
  });

  it("what was cut off stays so while a key is pressed within it; not where another text takes its place", () => {
    const cut: Piece = { kind: "run", text: "x".repeat(5000), fate: "cut" };
    const cell: Piece = { kind: "cell", text: "y", fate: "read", steps: [0], ids: [1], weight: 1 };
    const typed = `${"x".repeat(2500)}z${"x".repeat(2500)}`;
    expect(guessPieces(`${typed}y`, [cut, cell])).toEqual([{ ...cut, text: typed }, cell]);
    expect(guessPieces("z".repeat(5000), [cut, cell])).toEqual([{ kind: "run", text: "z".repeat(5000), fate: "plain" }]);
  });

  it("draws a pasted book as one run", () => {
    const pieces = guessPieces("x".repeat(100_000), []);
    expect(pieces).toHaveLength(1);
    expect(pieces[0]).toMatchObject({ kind: "run", fate: "plain" });
  });

  it("calls a change large that it leaves uncut, once", () => {
    const book = "x".repeat(5000);
    expect(changedMuch(book, read("ab", "ab", 2, [0.5, 0.5]))).toBe(true);
    expect(changedMuch("abc", read("ab", "ab", 2, [0.5, 0.5]))).toBe(false);
    expect(changedMuch(`${book}y`, guessPieces(book, []))).toBe(false);
  });
});

it("ranks from 1, equals sharing their rank", () => {
  const weights = [0.1, 0.4, 0.4, 0.05];
  expect(weights.map((weight) => rankOf(weight, weights))).toEqual([3, 1, 1, 4]);
});

it("finds the piece at an offset", () => {
  const pieces = read("a\u{1f600}b", "ab\u{1f600}", 3, [0.3, 0.3, 0.4]);
  expect([0, 1, 2, 3, 4].map((offset) => pieceAt(pieces, offset)?.index)).toEqual([0, 1, 1, 2, undefined]);
});

it("knows the engine's fates by name", () => {
  expect([Fate.Read, Fate.UnknownDropped, Fate.Truncated]).toEqual([0, 2, 5]);
});
