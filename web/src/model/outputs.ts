/** The model's outputs put into words. */
import type { ModelCard, NamedArray } from "#engine";
import { probabilityText } from "./numbers.ts";

export interface Reading {
  layer: string;
  shape: number[];
  /**
   * binary: one probability, of the second of two classes. classes: probabilities that sum to 1. each: several of which
   * each is a probability of its own. number, numbers: anything else. array: what does not end in one row of values.
   */
  kind: "binary" | "classes" | "each" | "number" | "numbers" | "array";
  /** What was decided for, where the output decides; the largest of named numbers. */
  label: string | null;
  /** That one's probability, or value. */
  value: number;
  /** A name for each of `values`. */
  labels: string[];
  values: Float32Array;
  /** "step 12 of 250" of an output that has a row for each timestep, else "". */
  place: string;
}

const PROBABILITIES = new Set(["sigmoid", "hard_sigmoid"]);

/**
 * One output. `activation` is that of its layer in the card; a model's labels belong to those outputs whose number of
 * classes they fit. Of an output with a row for each timestep the row of `step` is read, or the last (null).
 */
export function readOutput({ layer, shape, values: all }: NamedArray, activation: string, labels: readonly string[], step: number | null): Reading {
  const steps = shape.length === 3 ? shape[1]! : 1;
  const size = shape.at(-1)!;
  const none: Reading = { layer, shape, kind: "array", label: null, value: NaN, labels: [], values: all, place: "" };
  if (shape[0] !== 1 || (shape.length !== 2 && shape.length !== 3) || all.length !== steps * size) return none;
  const at = step === null || step >= steps ? steps - 1 : step;
  const values = all.subarray(at * size, (at + 1) * size);
  const reading: Reading = { ...none, values, place: shape.length === 3 ? `step ${at + 1} of ${steps}` : "" };
  if (size === 1) {
    const value = values[0]!;
    if (!PROBABILITIES.has(activation)) return { ...reading, kind: "number", value };
    const names = labels.length === 2 ? [...labels] : ["class 0", "class 1"];
    const winner = value >= 0.5 ? 1 : 0;
    return { ...reading, kind: "binary", label: names[winner]!, value: winner ? value : 1 - value, labels: names };
  }
  const named = labels.length === size;
  const names = Array.from(values, (_, i) => (named ? labels[i]! : `output ${i}`));
  let best = 0;
  for (const [i, value] of values.entries()) if (value > values[best]!) best = i;
  const kind = activation === "softmax" ? "classes" : PROBABILITIES.has(activation) ? "each" : "numbers";
  return { ...reading, kind, label: kind === "classes" || named ? names[best]! : null, value: values[best]!, labels: names };
}

/** All outputs of a run. `step`: the timestep at the caret. */
export function readOutputs(outputs: readonly NamedArray[], card: ModelCard, step: number | null): Reading[] {
  return outputs.map((output, i) => readOutput(output, card.outputs[i]?.activation ?? "", card.labels, step));
}

/** One sentence for the live region; `clip` shortens what a model calls its classes. */
export function sayOutputs(readings: readonly Reading[], clip: (label: string) => string): string {
  return readings
    .filter(({ kind, label }) => kind === "number" || label !== null)
    .map(({ kind, label, value }) => (kind === "number" ? `output ${value.toPrecision(4)}` : `${clip(label!)}, ${kind === "numbers" ? value.toPrecision(4) : probabilityText(value)}`))
    .join("; ");
}
