/** The model's outputs as a person reads them. */
import type { ModelCard, NamedArray } from "#engine";
import { probabilityText, shapeText } from "../model/numbers.ts";
import { byId, clip, make, setText } from "./dom.ts";

/** Classes shown of an output with many. */
const CLASSES_SHOWN = 6;

/** One output put into words. */
export interface Reading {
  /** The class with the highest probability; null where the output is no probability. */
  label: string | null;
  /** That class's probability, or the output's value. */
  value: number;
  kind: "binary" | "classes" | "number" | "array";
  labels: string[];
  values: Float32Array;
  output: NamedArray;
}

/** `activation` is that of the output's layer in the card. */
export function readOutput(output: NamedArray, activation: string, labels: readonly string[]): Reading {
  const { values } = output;
  const perText = output.shape.length === 2 && output.shape[0] === 1;
  if (!perText) return { label: null, value: NaN, kind: "array", labels: [], values, output };
  if (values.length === 1) {
    const value = values[0]!;
    if (activation !== "sigmoid" && activation !== "hard_sigmoid") return { label: null, value, kind: "number", labels: [], values, output };
    const names = labels.length === 2 ? [...labels] : ["class 0", "class 1"];
    const winner = value >= 0.5 ? 1 : 0;
    return { label: names[winner]!, value: winner ? value : 1 - value, kind: "binary", labels: names, values, output };
  }
  const names = Array.from(values, (_, i) => (labels.length === values.length ? labels[i]! : `output ${i}`));
  let best = 0;
  for (const [i, value] of values.entries()) if (value > values[best]!) best = i;
  return { label: names[best]!, value: values[best]!, kind: "classes", labels: names, values, output };
}

/** All outputs of a run. A model's labels belong to those outputs whose number of classes they fit. */
export function readOutputs(outputs: readonly NamedArray[], card: ModelCard): Reading[] {
  return outputs.map((output, i) => readOutput(output, card.outputs[i]?.activation ?? "", card.labels));
}

/** One sentence for the live region. */
export function sayOutputs(readings: readonly Reading[]): string {
  return readings
    .filter(({ kind }) => kind !== "array")
    .map(({ label, value }) => (label === null ? `output ${value.toPrecision(4)}` : `${clip(label, 60)}, ${probabilityText(value)}`))
    .join("; ");
}

interface Row {
  head: HTMLElement;
  value: HTMLElement;
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
    const form = JSON.stringify(readings.map(({ kind, labels, output }) => [kind, labels, output.layer, output.shape]));
    if (form !== this.#form) {
      this.#form = form;
      this.#rows = [];
      this.#root.replaceChildren(...readings.map((reading) => this.#build(reading, readings.length > 1)));
    }
    for (const [i, reading] of readings.entries()) this.#update(this.#rows[i]!, reading);
  }

  #build(reading: Reading, named: boolean): HTMLElement {
    const head = make("strong", "prediction-label");
    const value = make("span", "prediction-value");
    const row: Row = { head, value, bars: [] };
    const block = make("div", "prediction-output", named && make("p", "prediction-name", clip(reading.output.layer, 60)), make("p", "prediction-head", head, " ", value));
    if (reading.kind === "binary") {
      const fill = make("div", "balance-fill");
      const ends = make("div", "balance-ends", make("span", "", clip(reading.labels[0]!, 40)), make("span", "", clip(reading.labels[1]!, 40)));
      block.append(make("div", "balance", fill, make("div", "balance-middle")), ends);
      row.bars.push({ name: head, fill, number: value });
    } else if (reading.kind === "classes") {
      for (let i = 0; i < Math.min(CLASSES_SHOWN, reading.values.length); i++) {
        const [name, fill, number] = [make("span", "class-name"), make("div", "class-fill"), make("span", "class-number")];
        row.bars.push({ name, fill, number });
        block.append(make("div", "class-row", name, make("div", "class-track", fill), number));
      }
      const hidden = reading.values.length - CLASSES_SHOWN;
      if (hidden > 0) block.append(make("p", "class-hidden", `${hidden} less likely hidden`));
    }
    this.#rows.push(row);
    return block;
  }

  #update({ head, value, bars }: Row, reading: Reading): void {
    const { kind, values } = reading;
    if (kind === "array") {
      setText(head, shapeText(reading.output.shape));
      setText(value, "an output for each timestep; see the command line for its numbers");
      return;
    }
    setText(head, clip(reading.label ?? "output", 60));
    setText(value, kind === "number" ? reading.value.toPrecision(4) : probabilityText(reading.value));
    if (kind === "binary") {
      // From the middle: to the left for the one class, to the right for the other.
      const { fill } = bars[0]!;
      const at = 100 * values[0]!;
      fill.style.left = `${Math.min(50, at)}%`;
      fill.style.width = `${Math.abs(at - 50)}%`;
      return;
    }
    const order = Array.from(values.keys()).sort((a, b) => values[b]! - values[a]!);
    for (const [place, { name, fill, number }] of bars.entries()) {
      const index = order[place]!;
      setText(name, clip(reading.labels[index]!, 40));
      fill.style.width = `${100 * Math.min(1, Math.max(0, values[index]!))}%`;
      setText(number, probabilityText(values[index]!));
    }
  }
}
