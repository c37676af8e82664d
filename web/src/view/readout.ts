/** The exact numbers of one character: in the line under the text (for the caret) and in a tooltip (for the pointer). */
import { rankOf, type Cell, type Piece } from "../model/cells.ts";
import { codePointCount, codePointNames, spoken } from "../model/graphemes.ts";
import { shareText, timesText, weightText } from "../model/numbers.ts";
import { byId, clip, make, setText } from "./dom.ts";

/** What the numbers of a cell are measured against. */
export interface Context {
  /** All weights on screen, for the rank. */
  weights: readonly number[];
  timesteps: number;
  /** false: a model without attention. */
  attention: boolean;
}

/** What can be said of a piece, in parts: the character, its place in the model's input, its attention. */
export function describe(piece: Piece, context: Context): { character: string; place: string; attention: string } {
  if (piece.kind === "run") {
    const count = codePointCount(piece.text);
    if (piece.fate === "plain") return { character: `${count} characters`, place: "", attention: "" };
    return { character: `${count} ${count === 1 ? "character" : "characters"}`, place: "cut off: more than the model's input holds", attention: "not read" };
  }
  return { character: clip(spoken(piece.text), 24), place: placeOf(piece, context), attention: attentionOf(piece, context) };
}

function placeOf(cell: Cell, { timesteps }: Context): string {
  const names = codePointNames(cell.text);
  const points = names.length > 31 ? `${codePointCount(cell.text)} code points` : names;
  switch (cell.fate) {
    case "pending":
      return points;
    case "dropped":
      return `${points} · unknown to the model, left out`;
    case "filtered":
      return `${points} · a separator, left out`;
  }
  const ids = cell.ids.length === 1 ? `id ${cell.ids[0]}` : `ids ${cell.ids.slice(0, 4).join(", ")}${cell.ids.length > 4 ? ", \u2026" : ""}`;
  const [first, last] = [cell.steps[0]! + 1, cell.steps.at(-1)! + 1];
  const steps = first === last ? `step ${first}` : `steps ${first} to ${last}`;
  const remark = cell.fate === "unknown" ? " (unknown)" : cell.fate === "partly" ? " (in part)" : "";
  return `${ids}${remark} · ${steps} of ${timesteps}`;
}

function attentionOf(cell: Cell, { weights, timesteps, attention }: Context): string {
  if (cell.fate === "pending" || !attention) return "";
  if (cell.weight === null) return "no attention: not read";
  const sum = cell.steps.length > 1 ? `sum over ${cell.steps.length} steps ` : "";
  return (
    `attention ${sum}${weightText(cell.weight)} = ${timesText(cell.weight * timesteps)} \u00d7 uniform` +
    ` · rank ${rankOf(cell.weight, weights)} of ${weights.length}`
  );
}

export class Readout {
  readonly #character = make("strong", "readout-character");
  readonly #place = make("span", "readout-place");
  readonly #attention = make("span", "readout-attention");

  constructor() {
    byId("readout", HTMLDivElement).append(this.#character, this.#place, this.#attention);
  }

  show(parts: { character: string; place: string; attention: string }): void {
    setText(this.#character, parts.character);
    setText(this.#place, parts.place);
    setText(this.#attention, parts.attention);
  }
}

/** What a selection of several characters holds. */
export function describeSelection(pieces: readonly Piece[], start: number, end: number): { character: string; place: string; attention: string } {
  let offset = 0;
  let characters = 0;
  let weight = 0;
  let weighed = 0;
  for (const piece of pieces) {
    const [from, to] = [offset, offset + piece.text.length];
    offset = to;
    if (to <= start || from >= end) continue;
    if (piece.kind === "run") {
      characters += codePointCount(piece.text.slice(Math.max(0, start - from), end - from));
      continue;
    }
    characters++;
    if (piece.weight === null) continue;
    weight += piece.weight;
    weighed++;
  }
  return {
    character: `${characters} selected`,
    place: weighed < characters ? `${weighed} with attention` : "",
    attention: weighed > 0 ? `hold ${shareText(weight)} of all attention` : "",
  };
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

  show(parts: { character: string; place: string; attention: string }, near: DOMRect): void {
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
