import type { ModelCard, NamedArray } from "#engine";
import { describe, expect, it } from "vitest";
import { elementName, elementOf, elementsOf } from "../../../web/src/model/gradients.ts";

const card = (labels: string[], ...shapes: (number | null)[][]) =>
  ({ labels, outputs: shapes.map((shape, i) => ({ layer: `out${i}`, shape, activation: "softmax" })) }) as unknown as ModelCard;
const output = (...values: number[]): NamedArray => ({ layer: "out0", shape: [1, values.length], values: new Float32Array(values) });

describe("the element that a gradient is of", () => {
  const three = card(["ham", "spam", "eggs"], [null, 3]);

  it("is chosen among the classes, by the model's labels", () => {
    expect(elementsOf(three)).toEqual([
      { value: "0:0", name: "ham" },
      { value: "0:1", name: "spam" },
      { value: "0:2", name: "eggs" },
    ]);
    expect(elementOf("0:2", three)).toEqual({ output: 0, index: [2] });
    expect(elementName("0:2", three, [output(0.5, 0.3, 0.2)])).toBe("eggs");
  });

  it("is the largest where none was chosen, or one that the model does not have", () => {
    for (const value of ["", "0:3", "1:0", "x"]) {
      expect(elementOf(value, three)).toEqual({});
      expect(elementName(value, three, [output(0.1, 0.2, 0.7)])).toBe("eggs");
    }
  });

  it("is no choice for a single unit, which stands for the second of two classes", () => {
    const single = card(["ham", "spam"], [null, 1]);
    expect(elementsOf(single)).toEqual([]);
    expect(elementName("", single, [output(0.1)])).toBe("spam");
    expect(elementName("", card([], [null, 1]), [output(0.1)])).toBe("the output");
  });

  it("names the output where there are several, and says numbers where labels do not fit", () => {
    const two = card(["ham", "spam", "eggs"], [null, 3], [null, 2]);
    expect(elementsOf(two).map(({ name }) => name)).toEqual(["out0 ham", "out0 spam", "out0 eggs", "out1 output 0", "out1 output 1"]);
    expect(elementOf("1:1", two)).toEqual({ output: 1, index: [1] });
  });

  it("is no choice where the outputs are one for each step, or too many", () => {
    expect(elementsOf(card([], [null, 7, 3]))).toEqual([]);
    expect(elementsOf(card([], [null, 20_000]))).toEqual([]);
    expect(elementName("", card([], [null, 7, 3]), [output(0.1)])).toBe("the largest output");
  });
});
