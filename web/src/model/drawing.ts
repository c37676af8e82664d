/** What is drawn of a signal: the row that colours the text, and the part of the matrix that the heat map shows. */
import type { Signal, SignalCard, StepMap } from "#engine";
import type { Cell, Piece, TextRead } from "./cells.ts";
import { isSigned, matrixOf, rowAxis, rowOf, type LeadingAxis, type Matrix, type Picks } from "./signals.ts";
import { stepsAt, stepsWithText, timestepsOf } from "./steps.ts";

/** [first, end) */
export type Span = readonly [first: number, end: number];

export interface Drawing {
  card: SignalCard;
  /** A weight for each step. */
  row: Float32Array;
  picks: Picks;
  /** Sizes of the signal's axes in this run. */
  sizes: Readonly<Partial<Record<LeadingAxis, number>>>;
  /** Values below 0 have a colour of their own. */
  signed: boolean;
  /** null for a signal without an axis for rows. */
  map: { axis: LeadingAxis; matrix: Matrix; rows: Span; columns: Span } | null;
}

/** What the user chose, as the page's state has it. */
export interface Chosen {
  head: string;
  feature: string;
  unit: string;
  query: string;
  padding: string;
}

/** `readOf` gives how the text of an input (by its place in the card) was read. */
export function drawingOf(card: SignalCard, signal: Signal, chosen: Chosen, readOf: (input: number) => TextRead | undefined): Drawing {
  const sizes: Partial<Record<LeadingAxis, number>> = {};
  for (const [at, axis] of signal.axes.entries()) if (axis !== "step") sizes[axis] = signal.shape[at]!;
  const part = (steps: StepMap | null, count: number): Span => {
    const read = steps && chosen.padding !== "shown" ? readOf(steps.input) : undefined;
    return steps && read ? stepsWithText(steps, count, read.padding) : [0, count];
  };
  const queries = part(card.queries, sizes.query ?? 0);
  const pick = (value: string, size = 0): number | "mean" => (Number(value) >= 1 && Number(value) <= size ? Number(value) - 1 : "mean");
  const picks: Picks = {
    head: pick(chosen.head, sizes.head),
    feature: pick(chosen.feature, sizes.feature),
    unit: pick(chosen.unit, sizes.unit),
    query: chosen.query === "mean" || queries[0] === queries[1] ? "mean"
      : pick(chosen.query, sizes.query) === "mean" ? queries[1] - 1 : pick(chosen.query, sizes.query),
  };
  const axis = rowAxis(signal);
  const matrix = axis && matrixOf(signal, picks);
  return {
    card, sizes, picks,
    row: rowOf(signal, picks),
    signed: isSigned(signal),
    map: axis && matrix && {
      axis, matrix,
      rows: axis === "query" ? queries : [0, matrix.rows],
      columns: part(card.steps, matrix.columns),
    },
  };
}

/** The numbers of the heat map's part, row by row. */
export function* shownRows({ matrix, rows, columns }: NonNullable<Drawing["map"]>): Generator<Float32Array> {
  for (let row = rows[0]; row < rows[1]; row++) {
    yield matrix.values.subarray(row * matrix.columns + columns[0], row * matrix.columns + columns[1]);
  }
}

/** What stands at each of `count` steps: the text of the cells under it, "" where there is none. */
export function labelsOf(count: number, map: StepMap, pieces: readonly Piece[], timesteps: number): string[] {
  const at = new Map<number, Cell>();
  for (const piece of pieces) if (piece.kind === "cell") for (const timestep of piece.steps) at.set(timestep, piece);
  return Array.from({ length: count }, (_, step) => {
    const [first, end] = timestepsOf(map, step, timesteps);
    let label = "";
    let before: Cell | undefined;
    for (let timestep = first; timestep < end; timestep++) {
      const cell = at.get(timestep);
      if (cell && cell !== before) label += cell.text;
      before = cell;
    }
    return label;
  });
}

/** Places of the cells that a step stands for. */
export function piecesUnder(step: number, map: StepMap, pieces: readonly Piece[]): number[] {
  const [first, end] = timestepsOf(map, step, Infinity);
  return pieces.flatMap((piece, index) => (piece.kind === "cell" && piece.steps.some((at) => at >= first && at < end) ? [index] : []));
}

/** The step, of `count`, that stands for a cell: that of its last timestep. null where none does. */
export function stepOf(cell: Cell, map: StepMap, count: number): number | null {
  const last = cell.steps.at(-1);
  if (last === undefined) return null;
  const [first, end] = stepsAt(map, last, count);
  return first < end ? end - 1 : null;
}
