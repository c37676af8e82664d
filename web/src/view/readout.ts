/** The exact numbers of one character: in the line under the text (for the caret) and in a tooltip (for the pointer). */
import type { SignalCard } from "#engine";
import { rankOf, type Cell, type Piece, type Shading, type Unit } from "../model/cells.ts";
import { codePointCount, codePointNames, graphemes, spoken } from "../model/graphemes.ts";
import { shareText, timesText, weightText } from "../model/numbers.ts";
import { stepsAt, timestepsOf, weightOver } from "../model/steps.ts";
import { byId, clip, make, setText } from "./dom.ts";

/** What the numbers of a cell are measured against. */
export interface Context {
  /** All weights on screen, for the rank. */
  weights: readonly number[];
  /** Timesteps of the text's input. */
  timesteps: number;
  unit: Unit;
  /** What the text is coloured by; null where nothing is. */
  shading: Shading | null;
  kind: SignalCard["kind"];
  /** What its numbers are called. */
  noun: string;
  /** Whose attention it is, as it stands in the text, or which output's gradient; "" where it is nobody's. */
  from: string;
}

export const NO_CONTEXT: Context = { weights: [], timesteps: 0, unit: "char", shading: null, kind: "attention", noun: "attention", from: "" };

/** What the readout and the tooltip say. */
export interface Words {
  character: string;
  place: string;
  attention: string;
}

/** What can be said of a piece, in parts: the character, its place in the model's input, its attention. */
export function describe(piece: Piece, context: Context): Words {
  if (piece.kind === "run") {
    const count = codePointCount(piece.text);
    if (piece.fate === "plain") return { character: `${count} characters`, place: "", attention: "" };
    return { character: `${count} ${count === 1 ? "character" : "characters"}`, place: "cut off: more than the model's input holds", attention: "not read" };
  }
  return { character: clip(spoken(piece.text), 24), place: placeOf(piece, context), attention: attentionOf(piece, context) };
}

function placeOf(cell: Cell, { timesteps, unit }: Context): string {
  const names = codePointNames(cell.text);
  const points = unit === "word" && codePointCount(cell.text) > 1 ? "" : names.length > 31 ? `${codePointCount(cell.text)} code points` : names;
  const remarked = (remark: string) => (points ? `${points} · ${remark}` : remark);
  switch (cell.fate) {
    case "pending":
      return points;
    case "dropped":
      return remarked("unknown to the model, left out");
    case "filtered":
      return remarked("a separator, left out");
  }
  const ids = cell.ids.length === 1 ? `id ${cell.ids[0]}` : `ids ${cell.ids.slice(0, 4).join(", ")}${cell.ids.length > 4 ? ", \u2026" : ""}`;
  const [first, last] = [cell.steps[0]! + 1, cell.steps.at(-1)! + 1];
  const steps = first === last ? `step ${first}` : `steps ${first} to ${last}`;
  const remark = cell.fate === "unknown" ? " (unknown)" : cell.fate === "partly" ? " (in part)" : "";
  return `${ids}${remark} · ${steps} of ${timesteps}`;
}

function attentionOf(cell: Cell, context: Context): string {
  const { shading, weights } = context;
  if (cell.fate === "pending" || !shading) return "";
  if (cell.weight === null) return cell.steps.length > 0 ? "no weight: beyond the steps that have one" : "no attention: not read";
  const sum = cell.steps.length > 1 ? `sum over ${cell.steps.length} steps` : "";
  const value = valueText(cell.weight, context, shading.values.length, context.from && `of ${context.from}`, sum);
  return `${value}${sharedBy(cell, shading, context)} · rank ${rankOf(cell.weight, weights)} of ${weights.length}`;
}

/** "attention of “a” 0.031 = 7.8 × uniform"; of all else, which shares no sum, the value alone. */
export function valueText(value: number, { kind, noun }: Pick<Context, "kind" | "noun">, steps: number, ...remarks: string[]): string {
  const words = [noun, ...remarks, weightText(value)].filter(Boolean).join(" ");
  if (kind !== "attention") return words;
  const times = timesText(value * steps);
  return `${words} ${times.startsWith("<") ? "" : "= "}${times} \u00d7 uniform`;
}

/** Where one weight stands for several timesteps: which. */
function sharedBy(cell: Cell, { values, steps }: Shading, { timesteps }: Context): string {
  if (steps.width === 1 && steps.stride === 1) return "";
  const [first] = stepsAt(steps, cell.steps[0]!, values.length);
  const [, end] = stepsAt(steps, cell.steps.at(-1)!, values.length);
  return ` for steps ${timestepsOf(steps, first, timesteps)[0] + 1} to ${timestepsOf(steps, end - 1, timesteps)[1]}`;
}

/** What a selection of several characters holds. */
export function describeSelection(pieces: readonly Piece[], start: number, end: number, { shading, kind }: Context): Words {
  let offset = 0;
  let characters = 0;
  let weighed = 0;
  const timesteps: number[] = [];
  for (const piece of pieces) {
    const [from, to] = [offset, offset + piece.text.length];
    offset = to;
    if (to <= start || from >= end) continue;
    const part = piece.text.slice(Math.max(0, start - from), end - from);
    const count = piece.kind === "run" ? codePointCount(part) : graphemes(part).length;
    characters += count;
    if (piece.kind === "run" || piece.weight === null) continue;
    weighed += count;
    timesteps.push(...piece.steps);
  }
  const weight = shading && kind === "attention" ? weightOver(shading.values, shading.steps, timesteps) : null;
  return {
    character: `${characters} selected`,
    place: weighed < characters ? `${weighed} with ${kind === "attention" ? "attention" : "a value"}` : "",
    attention: weight !== null ? `hold ${shareText(weight)} of all attention` : "",
  };
}

export class Readout {
  readonly #character = make("strong", "readout-character");
  readonly #place = make("span", "readout-place");
  readonly #attention = make("span", "readout-attention");

  constructor() {
    byId("readout", HTMLDivElement).append(this.#character, this.#place, this.#attention);
  }

  show(parts: Words): void {
    setText(this.#character, parts.character);
    setText(this.#place, parts.place);
    setText(this.#attention, parts.attention);
  }
}

/** The tooltip stands above its character, or below where there is no room. */
export class Tooltip {
  readonly #box = byId("tooltip", HTMLDivElement);
  readonly #head = make("strong");
  readonly #place = make("span", "tooltip-place");
  readonly #attention = make("span", "tooltip-attention");

  constructor() {
    this.#box.append(make("p", "", this.#head, this.#place), this.#attention);
  }

  hide(): void {
    this.#box.hidden = true;
  }

  show(parts: Words, near: DOMRect): void {
    setText(this.#head, parts.character);
    setText(this.#place, parts.place);
    setText(this.#attention, parts.attention);
    this.#box.hidden = false;
    const margin = 8;
    const { offsetWidth: width, offsetHeight: height } = this.#box;
    const left = Math.min(Math.max(margin, near.left + near.width / 2 - width / 2), document.documentElement.clientWidth - width - margin);
    const above = near.top - height - margin;
    this.#box.style.left = `${left}px`;
    this.#box.style.top = `${above >= margin ? above : near.bottom + margin}px`;
  }
}
