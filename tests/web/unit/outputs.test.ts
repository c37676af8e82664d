import type { NamedArray } from "#engine";
import { describe, expect, it } from "vitest";
import { readOutput, sayOutputs } from "../../../web/src/model/outputs.ts";

const output = (shape: number[], values: number[]): NamedArray => ({ layer: "out", shape, values: Float32Array.from(values) });
const said = (...readings: Parameters<typeof sayOutputs>[0]) => sayOutputs(readings, (label) => label);

describe("an output", () => {
  it("of one probability names the class on its side of a half", () => {
    expect(readOutput(output([1, 1], [0.25]), "sigmoid", ["ham", "spam"], null)).toMatchObject({ kind: "binary", label: "ham", value: 0.75 });
    expect(readOutput(output([1, 1], [0.5]), "sigmoid", [], null)).toMatchObject({ kind: "binary", label: "class 1", value: 0.5 });
  });

  it("of a softmax names the likeliest class", () => {
    expect(readOutput(output([1, 3], [0.2, 0.5, 0.3]), "softmax", ["a", "b", "c"], null)).toMatchObject({ kind: "classes", label: "b", value: 0.5 });
    expect(readOutput(output([1, 3], [0.2, 0.5, 0.3]), "softmax", ["a", "b"], null)).toMatchObject({ label: "output 1", labels: ["output 0", "output 1", "output 2"] });
  });

  it("of several probabilities of their own decides for none of them", () => {
    expect(readOutput(output([1, 3], [0.9, 0.8, 0.1]), "sigmoid", [], null)).toMatchObject({ kind: "each", label: null });
  });

  it("of numbers is read as such, and names the largest only where they have names", () => {
    expect(readOutput(output([1, 1], [-2.5]), "linear", [], null)).toMatchObject({ kind: "number", label: null, value: -2.5 });
    expect(readOutput(output([1, 2], [-2, 3]), "tanh", [], null)).toMatchObject({ kind: "numbers", label: null });
    expect(readOutput(output([1, 2], [-2, 3]), "linear", ["no", "yes"], null)).toMatchObject({ kind: "numbers", label: "yes", value: 3 });
  });

  it("with a row for each timestep is read at the caret's, or at the last", () => {
    const tags = output([1, 3, 2], [0.75, 0.25, 0.5, 0.5, 0.125, 0.875]);
    expect(readOutput(tags, "softmax", ["in", "out"], 0)).toMatchObject({ kind: "classes", label: "in", value: 0.75, place: "step 1 of 3" });
    expect(readOutput(tags, "softmax", ["in", "out"], null)).toMatchObject({ label: "out", value: 0.875, place: "step 3 of 3" });
    expect(readOutput(tags, "softmax", ["in", "out"], 7)).toMatchObject({ place: "step 3 of 3" });
  });

  it("of more axes, or of several texts, is told by its shape", () => {
    expect(readOutput(output([1, 2, 2, 2], Array(8).fill(0)), "softmax", [], null)).toMatchObject({ kind: "array", label: null });
    expect(readOutput(output([2, 2], Array(4).fill(0)), "softmax", [], null)).toMatchObject({ kind: "array" });
  });
});

it("says what was decided, and numbers, and nothing of what cannot be said in a word", () => {
  expect(said(
    readOutput(output([1, 1], [0.25]), "sigmoid", ["ham", "spam"], null),
    readOutput(output([1, 3], [0.9, 0.8, 0.1]), "sigmoid", [], null),
    readOutput(output([1, 1], [-2.5]), "linear", [], null),
  )).toBe("ham, 0.750; output -2.500");
});
