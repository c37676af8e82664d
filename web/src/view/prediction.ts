/** The model's outputs as a person reads them. */
import type { Reading } from "../model/outputs.ts";
import { numberText, probabilityText, shapeText } from "../model/numbers.ts";
import { byId, clip, make, setText } from "./dom.ts";

/** Bars shown of an output with many values. */
const BARS_SHOWN = 6;
/** So many are shown in the model's order; of more, the largest first. */
const BARS_IN_ORDER = 12;

interface Row {
  head: HTMLElement;
  value: HTMLElement;
  place: HTMLElement;
  bars: { name: HTMLElement; fill: HTMLElement; number: HTMLElement }[];
}

export class Prediction {
  readonly #root = byId("prediction", HTMLDivElement);
  /** What the elements on screen were made for; while it stays the same only numbers and widths change. */
  #form = "";
  #rows: Row[] = [];

  /** Instead of a prediction: why there is none, with what to do about it. */
  showNone(...words: (Node | string)[]): void {
    this.#form = "";
    this.#root.replaceChildren(make("p", "prediction-none", ...words));
  }

  show(readings: readonly Reading[]): void {
    const form = JSON.stringify(readings.map(({ kind, labels, layer, values }) => [kind, labels, layer, values.length]));
    if (form !== this.#form) {
      this.#form = form;
      this.#rows = [];
      this.#root.classList.toggle("several", readings.length > 1);
      this.#root.replaceChildren(...readings.map((reading) => this.#build(reading, readings.length > 1)));
    }
    for (const [i, reading] of readings.entries()) this.#update(this.#rows[i]!, reading);
  }

  #build({ kind, labels, layer, values, place: where }: Reading, named: boolean): HTMLElement {
    const [head, value, place] = [make("strong", "prediction-label"), make("span", "prediction-value"), make("span")];
    const row: Row = { head, value, place, bars: [] };
    const block = make("div", "prediction-output",
      (named || where !== "") && make("p", "prediction-name", named && clip(layer, 60), " ", place),
      make("p", "prediction-head", head, " ", value));
    if (kind === "binary") {
      const fill = make("div", "balance-fill");
      const ends = make("div", "balance-ends", make("span", "", clip(labels[0]!, 40)), make("span", "", clip(labels[1]!, 40)));
      block.append(make("div", "balance", fill, make("div", "balance-middle")), ends);
      row.bars.push({ name: head, fill, number: value });
    } else if (kind !== "number" && kind !== "array") {
      const shown = values.length > BARS_IN_ORDER || (kind === "classes" && values.length > BARS_SHOWN) ? BARS_SHOWN : values.length;
      for (let i = 0; i < shown; i++) {
        const [name, fill, number] = [make("span", "class-name"), make("div", "class-fill"), make("span", "class-number")];
        row.bars.push({ name, fill, number });
        block.append(make("div", "class-row", name, make("div", "class-track", fill, kind === "numbers" && make("div", "balance-middle")), number));
      }
      if (values.length > shown) block.append(make("p", "class-hidden", `${values.length - shown} ${kind === "classes" ? "less likely" : "smaller"} hidden`));
    }
    this.#rows.push(row);
    return block;
  }

  #update({ head, value, place, bars }: Row, reading: Reading): void {
    const { kind, values, labels } = reading;
    setText(place, reading.place);
    if (kind === "array") {
      setText(head, shapeText(reading.shape));
      setText(value, "more than can be shown here; see the command line for its numbers");
      return;
    }
    const write = kind === "number" ? (number: number) => number.toPrecision(4) : kind === "numbers" ? numberText : probabilityText;
    setText(head, clip(reading.label ?? (kind === "number" ? "output" : `${values.length} ${kind === "each" ? "probabilities" : "numbers"}`), 60));
    setText(value, reading.label === null && kind !== "number" ? "" : write(reading.value));
    if (kind === "binary") return fillFrom(bars[0]!.fill, 0.5, values[0]!);
    const order = orderOf(reading, bars.length);
    // A number's bar starts in the middle and is measured by the largest, or by 1 where all are smaller.
    const largest = Math.max(1, ...values.map(Math.abs));
    for (const [at, { name, fill, number }] of bars.entries()) {
      const index = order[at]!;
      setText(name, clip(labels[index]!, 40));
      if (kind === "numbers") fillFrom(fill, 0.5, 0.5 + values[index]! / largest / 2);
      else fillFrom(fill, 0, values[index]!);
      setText(number, write(values[index]!));
    }
  }
}

/** Which values the bars are for: the likeliest classes first; others in the model's order, unless there are too many. */
function orderOf({ kind, values }: Reading, bars: number): number[] {
  const indices = Array.from(values.keys());
  if (kind !== "classes" && bars === values.length) return indices;
  const size = (index: number) => (kind === "numbers" ? Math.abs(values[index]!) : values[index]!);
  return indices.sort((a, b) => size(b) - size(a));
}

/** A bar between two places of its track, 0 to 1. */
function fillFrom(fill: HTMLElement, from: number, to: number): void {
  const [start, end] = [Math.min(from, to), Math.max(from, to)].map((at) => 100 * Math.min(1, Math.max(0, at)));
  fill.style.left = `${start!}%`;
  fill.style.width = `${end! - start!}%`;
}
