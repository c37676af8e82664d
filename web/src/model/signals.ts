/** From a signal of the engine to what is drawn of it: one weight for each step, or rows of them for the heat map. */
import type { ModelCard, Signal, SignalAxis, SignalCard } from "#engine";

export type LeadingAxis = Exclude<SignalAxis, "step">;

/** In the order of a signal's axes. */
export const LEADING_AXES: readonly LeadingAxis[] = ["head", "feature", "unit", "query"];

/** What is chosen along each axis before the steps: an index, or the mean over all. */
export type Picks = Readonly<Record<LeadingAxis, number | "mean">>;

export const ALL_MEANS: Picks = { head: "mean", feature: "mean", unit: "mean", query: "mean" };

/** Numbers with rows and columns, in C order. */
export interface Matrix {
  rows: number;
  columns: number;
  values: Float32Array;
}

/** Attention comes first and is what the text is coloured by unless one asks for something else. */
export function signalsOf(card: ModelCard): SignalCard[] {
  return [...card.attention, ...card.states, ...card.gradients];
}

/** What a signal's numbers are called. */
export function nounOf({ id, kind }: Pick<SignalCard, "id" | "kind">): string {
  if (kind !== "gradient") return kind;
  return id.endsWith("/gradient_norm") ? "gradient norm" : "gradient \u00d7 input";
}

/** The signal to colour by: the one with this id, else the first attention; null for a model without any. */
export function chosenSignal(card: ModelCard, id: string): SignalCard | null {
  return signalsOf(card).find((signal) => signal.id === id) ?? card.attention[0] ?? null;
}

/** The axis of the heat map's rows: the last one before the steps; null for a signal that is a vector. */
export function rowAxis({ axes }: { axes: readonly SignalAxis[] }): LeadingAxis | null {
  const axis = axes.at(-2);
  return axis === undefined || axis === "step" ? null : axis;
}

/** Whether values below 0 are to be expected: they get a colour of their own, and the mean is that of the sizes. */
export function isSigned(signal: Signal): boolean {
  return signal.values.some((value) => value < 0);
}

/** One weight for each step. */
export function rowOf(signal: Signal, picks: Picks): Float32Array {
  return reduce(signal, picks, 1);
}

/** The heat map's rows: all along the row axis, what is picked along the axes before it. */
export function matrixOf(signal: Signal, picks: Picks): Matrix {
  const columns = signal.shape.at(-1)!;
  return { rows: signal.shape.at(-2) ?? 1, columns, values: reduce(signal, picks, 2) };
}

/**
 * Picks, or takes the mean, along all axes but the last `kept`. The mean of what can be negative is that of its
 * absolute values: units that are large in either direction would cancel otherwise.
 */
function reduce(signal: Signal, picks: Picks, kept: number): Float32Array {
  const { shape, axes, values } = signal;
  const leading = Math.max(0, shape.length - kept);
  const size = shape.slice(leading).reduce((product, length) => product * length, 1);
  const chosen = axes.slice(0, leading).map((axis, at) => {
    const pick = picks[axis as LeadingAxis];
    return pick === "mean" ? null : Math.min(Math.max(0, pick), shape[at]! - 1);
  });
  const single = chosen.every((pick) => pick !== null);
  const absolute = !single && isSigned(signal);
  const result = new Float32Array(size);
  let blocks = 0;
  const add = (axis: number, offset: number): void => {
    if (axis === leading) {
      for (let i = 0; i < size; i++) {
        const value = values[offset * size + i]!;
        result[i]! += absolute ? Math.abs(value) : value;
      }
      blocks++;
      return;
    }
    const pick = chosen[axis]!;
    for (let i = pick ?? 0; i < (pick === null ? shape[axis]! : pick + 1); i++) add(axis + 1, offset * shape[axis]! + i);
  };
  add(0, 0);
  if (blocks > 1) for (let i = 0; i < size; i++) result[i]! /= blocks;
  return result;
}
