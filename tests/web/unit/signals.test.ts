import type { ModelCard } from "#engine";
import { describe, expect, it } from "vitest";
import { ALL_MEANS, chosenSignal, isSigned, matrixOf, nounOf, rowAxis, rowOf } from "../../../web/src/model/signals.ts";
import { countedSignal, signalCard } from "./answers.ts";

const numbers = (values: Float32Array) => Array.from(values);

describe("a signal", () => {
  // 2 heads, 3 queries, 4 steps: head h, query q, step s has the value 12 h + 4 q + s.
  const heads = countedSignal(["head", "query", "step"], [2, 3, 4]);

  it("that is a vector is its own row, and has no rows for a map", () => {
    const vector = countedSignal(["step"], [4]);
    expect(numbers(rowOf(vector, ALL_MEANS))).toEqual([0, 1, 2, 3]);
    expect(rowAxis(vector)).toBeNull();
  });

  it("is picked along each axis by itself", () => {
    expect(numbers(rowOf(heads, { ...ALL_MEANS, head: 1, query: 2 }))).toEqual([20, 21, 22, 23]);
    expect(numbers(rowOf(heads, { ...ALL_MEANS, head: 0, query: 1 }))).toEqual([4, 5, 6, 7]);
  });

  it("is averaged along the axes where all is asked for", () => {
    expect(numbers(rowOf(heads, { ...ALL_MEANS, query: 1 }))).toEqual([10, 11, 12, 13]);
    expect(numbers(rowOf(heads, { ...ALL_MEANS, head: 1 }))).toEqual([16, 17, 18, 19]);
    expect(numbers(rowOf(heads, ALL_MEANS))).toEqual([10, 11, 12, 13]);
  });

  it("gives a map all of its last axis but one, whatever is picked there", () => {
    const { rows, columns, values } = matrixOf(heads, { ...ALL_MEANS, head: 1, query: 0 });
    expect([rows, columns]).toEqual([3, 4]);
    expect(numbers(values)).toEqual([12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]);
    expect(rowAxis(heads)).toBe("query");
    expect(rowAxis(countedSignal(["head", "step"], [2, 4]))).toBe("head");
  });

  it("keeps a pick within its axis", () => {
    expect(numbers(rowOf(heads, { ...ALL_MEANS, head: 9, query: 0 }))).toEqual([12, 13, 14, 15]);
  });

  it("is averaged by size where values can be negative, and picked as it is", () => {
    const state = countedSignal(["unit", "step"], [2, 2]);
    state.values.set([-3, 1, 1, -1]);
    expect(isSigned(state)).toBe(true);
    expect(numbers(rowOf(state, ALL_MEANS))).toEqual([2, 1]);
    expect(numbers(rowOf(state, { ...ALL_MEANS, unit: 0 }))).toEqual([-3, 1]);
  });
});

describe("which signal", () => {
  const card = (attention: string[], states: string[]) =>
    ({
      attention: attention.map((id) => signalCard({ id })),
      states: states.map((id) => signalCard({ id, kind: "state" })),
      gradients: [signalCard({ id: "embedding/gradient_norm", kind: "gradient" })],
    }) as unknown as ModelCard;

  it("is the first attention, unless another is asked for by its id", () => {
    expect(chosenSignal(card(["a", "b"], ["s"]), "")?.id).toBe("a");
    expect(chosenSignal(card(["a", "b"], ["s"]), "b")?.id).toBe("b");
    expect(chosenSignal(card(["a", "b"], ["s"]), "s")?.id).toBe("s");
    expect(chosenSignal(card(["a", "b"], ["s"]), "another model's")?.id).toBe("a");
  });

  it("is none for a model without attention: its states are for those who ask", () => {
    expect(chosenSignal(card([], ["s"]), "")).toBeNull();
    expect(chosenSignal(card([], ["s"]), "s")?.id).toBe("s");
    expect(chosenSignal(card([], []), "embedding/gradient_norm")?.kind).toBe("gradient");
  });

  it("is called what its numbers are", () => {
    expect(nounOf(signalCard({ id: "gru/update_gate", kind: "gate" }))).toBe("gate");
    expect(nounOf(signalCard({ id: "embedding/gradient_norm", kind: "gradient" }))).toBe("gradient norm");
    expect(nounOf(signalCard({ id: "embedding/gradient_x_input", kind: "gradient" }))).toBe("gradient \u00d7 input");
  });
});
