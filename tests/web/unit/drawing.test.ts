import { describe, expect, it } from "vitest";
import { readPieces } from "../../../web/src/model/cells.ts";
import { drawingOf, labelsOf, piecesUnder, shownRows, stepOf, type Chosen } from "../../../web/src/model/drawing.ts";
import { ONE_FOR_ONE } from "../../../web/src/model/steps.ts";
import { answerOf, countedSignal, shadingOf, signalCard } from "./answers.ts";

const NOTHING: Chosen = { head: "", feature: "", unit: "", query: "", padding: "" };
/** Five timesteps, of which the last three hold "abc". */
const read = answerOf("abc", "abc", 5);
const pieces = readPieces("abc", read, shadingOf([0, 0, 0, 0, 0]));
const readOf = (input: number) => (input === 0 ? read : undefined);
const square = signalCard({ axes: ["query", "step"], queries: ONE_FOR_ONE });
const signal = countedSignal(["query", "step"], [5, 5]);
const POOLED = { input: 0, stride: 2, offset: 1, width: 2 };

describe("what is drawn of a matrix", () => {
  it("is the part that holds text; padding only where it is asked for", () => {
    const drawing = drawingOf(square, signal, NOTHING, readOf);
    expect(drawing.map).toMatchObject({ axis: "query", rows: [2, 5], columns: [2, 5] });
    expect([...shownRows(drawing.map!)].map((row) => Array.from(row))).toEqual([[12, 13, 14], [17, 18, 19], [22, 23, 24]]);
    expect(drawingOf(square, signal, { ...NOTHING, padding: "shown" }, readOf).map).toMatchObject({ rows: [0, 5], columns: [0, 5] });
  });

  it("colours the text by the last character's attention, until another is chosen", () => {
    expect(drawingOf(square, signal, NOTHING, readOf)).toMatchObject({ picks: { query: 4 }, row: Float32Array.of(20, 21, 22, 23, 24) });
    expect(drawingOf(square, signal, { ...NOTHING, query: "3" }, readOf).picks.query).toBe(2);
    expect(drawingOf(square, signal, { ...NOTHING, query: "99" }, readOf).picks.query).toBe(4);
    expect(drawingOf(square, signal, { ...NOTHING, query: "mean" }, readOf)).toMatchObject({ picks: { query: "mean" }, row: Float32Array.of(10, 11, 12, 13, 14) });
  });

  it("has no rows and no query where there is no text", () => {
    const empty = answerOf("", "abc", 5);
    expect(drawingOf(square, signal, NOTHING, () => empty)).toMatchObject({ map: { rows: [0, 0], columns: [0, 0] }, picks: { query: "mean" } });
  });

  it("shows all steps that are not those of a text: a decoder's queries, another input's steps", () => {
    const cross = signalCard({ axes: ["query", "step"], queries: null, steps: { ...ONE_FOR_ONE, input: 1 } });
    expect(drawingOf(cross, countedSignal(["query", "step"], [3, 5]), NOTHING, readOf)).toMatchObject({ map: { rows: [0, 3], columns: [0, 5] }, picks: { query: 2 } });
  });

  it("has a row for each head, and the mean over them in the text", () => {
    const heads = drawingOf(signalCard({ axes: ["head", "step"] }), countedSignal(["head", "step"], [3, 5]), NOTHING, readOf);
    expect(heads).toMatchObject({ map: { axis: "head", rows: [0, 3], columns: [2, 5] }, picks: { head: "mean" }, sizes: { head: 3 } });
    expect(Array.from(heads.row)).toEqual([5, 6, 7, 8, 9]);
  });
});

describe("steps and what stands there", () => {
  it("labels each step with the text under it", () => {
    expect(labelsOf(5, ONE_FOR_ONE, pieces, 5)).toEqual(["", "", "a", "b", "c"]);
    expect(labelsOf(2, POOLED, pieces, 5)).toEqual(["a", "bc"]);
  });

  it("labels a word once, however many letters it has", () => {
    const words = answerOf("ab", "ab", 3);
    words.text!.position.fill(2);
    expect(labelsOf(3, ONE_FOR_ONE, readPieces("ab", words, null, "word"), 3)).toEqual(["", "", "ab"]);
  });

  it("finds the cells under a step, and the step over a cell", () => {
    expect(piecesUnder(3, ONE_FOR_ONE, pieces)).toEqual([1]);
    expect(piecesUnder(1, POOLED, pieces)).toEqual([1, 2]);
    expect(pieces.map((piece) => piece.kind === "cell" && stepOf(piece, POOLED, 2))).toEqual([0, 1, 1]);
    expect(pieces[2]!.kind === "cell" && stepOf(pieces[2]!, POOLED, 1)).toBeNull();
  });
});
