/** What the colours show: which attention, gate or state, and along its other axes which head, feature, unit or query. */
import type { ModelCard, SignalCard } from "#engine";
import type { Drawing } from "../model/drawing.ts";
import { elementsOf } from "../model/gradients.ts";
import { LEADING_AXES, nounOf, signalsOf, type LeadingAxis } from "../model/signals.ts";
import { byId, choice, clip, make, option, setText } from "./dom.ts";

export interface SignalPickerEvents {
  onSignal(id: string): void;
  /** Of which element of the outputs a gradient is to be, as the state has it. */
  onElement(of: string): void;
  /** `value` as the state has it: a number from 1, "mean", or "" for what an axis is without a choice. */
  onPick(axis: LeadingAxis, value: string): void;
}

/** More entries than this are no help in a list; the heat map's rows are there for them. */
const LISTED = 1024;
const PLURAL: Record<LeadingAxis, string> = { head: "heads", feature: "features", unit: "units", query: "queries" };

export class SignalPicker {
  readonly #heading = byId("legend-heading", HTMLHeadingElement);
  readonly #signal: HTMLSelectElement;
  readonly #element: HTMLSelectElement;
  readonly #axes: Record<LeadingAxis, HTMLSelectElement>;
  /** What the lists were made for: they stay until that changes. */
  #card: ModelCard | null = null;
  readonly #made: Partial<Record<LeadingAxis, string>> = {};

  constructor(events: SignalPickerEvents) {
    this.#signal = choice("what the colours show", [], events.onSignal);
    this.#element = choice("output the gradient is of", [], events.onElement);
    const select = (axis: LeadingAxis) => choice(axis, [], (value) => events.onPick(axis, value));
    this.#axes = { head: select("head"), feature: select("feature"), unit: select("unit"), query: select("query") };
    for (const element of [this.#signal, this.#element, ...Object.values(this.#axes)]) element.hidden = true;
    byId("signal-controls", HTMLSpanElement).append(this.#signal, this.#element, ...LEADING_AXES.map((axis) => this.#axes[axis]));
  }

  /** The model's signals; `chosen` is null for a model without attention, unless one has asked for a gate or state. */
  offer(card: ModelCard, chosen: SignalCard | null, of: string): void {
    if (card !== this.#card) {
      this.#signal.replaceChildren(...entries(card));
      this.#element.replaceChildren(option("", "of the largest output"), ...elementsOf(card).map(({ value, name }) => option(value, `of ${clip(name, 40)}`)));
    }
    this.#card = card;
    this.#signal.value = chosen?.id ?? "";
    this.#element.hidden = chosen?.kind !== "gradient" || this.#element.options.length < 2;
    this.#element.value = of;
    if (this.#element.selectedIndex < 0) this.#element.value = "";
    const single = signalsOf(card).length + (card.attention.length === 0 ? 1 : 0) < 2;
    this.#signal.hidden = single;
    // Where there is a choice, it says what the heading says.
    this.#heading.classList.toggle("sr-only", !single);
    setText(this.#heading, chosen ? nounOf(chosen) : "attention");
  }

  /** What is chosen along the axes before the steps. `from` is what stands at the query, for people. */
  show(drawing: Drawing | null, from: string): void {
    for (const axis of LEADING_AXES) {
      const select = this.#axes[axis];
      const size = drawing?.sizes[axis] ?? 1;
      select.hidden = !drawing || size < 2 || size > LISTED;
      if (!drawing || select.hidden) continue;
      const byText = axis === "query" && drawing.card.queries !== null;
      const form = `${size} ${byText} ${drawing.signed}`;
      if (this.#made[axis] !== form) {
        this.#made[axis] = form;
        select.replaceChildren(...(byText ? [option("", ""), option("mean", "from all, mean")] : [
          option(axis === "query" ? "mean" : "", `mean ${drawing.signed ? "size " : ""}of ${size} ${PLURAL[axis]}`),
          ...Array.from({ length: size }, (_, i) => option(String(i + 1), `${axis} ${i + 1}`)),
        ]));
      }
      const pick = drawing.picks[axis];
      if (byText) {
        select.options[0]!.label = `from ${from}`;
        select.value = pick === "mean" ? "mean" : "";
      } else select.value = pick === "mean" ? (axis === "query" ? "mean" : "") : String(pick + 1);
    }
  }
}

function entries(card: ModelCard): (HTMLOptionElement | HTMLOptGroupElement)[] {
  const attention = card.attention.map(({ id, layer }) => option(id, card.attention.length === 1 ? "attention" : clip(layer, 40)));
  if (attention.length === 0) attention.push(option("", "no attention"));
  const groups = new Map<string, HTMLOptGroupElement>();
  for (const { id, layer } of card.states) {
    let group = groups.get(layer);
    if (!group) {
      group = make("optgroup");
      group.label = clip(layer, 40);
      groups.set(layer, group);
    }
    group.append(option(id, stateName(id, layer)));
  }
  return [...attention, ...reactions(card), ...groups.values()];
}

/** What the output reacts to; with the layer's name where text becomes vectors in several places. */
function reactions(card: ModelCard): HTMLOptGroupElement[] {
  if (card.gradients.length === 0) return [];
  const group = make("optgroup");
  group.label = "what the output reacts to";
  const several = card.gradients.length > 2;
  group.append(...card.gradients.map((signal) => option(signal.id, several ? `${nounOf(signal)}, ${clip(signal.layer, 40)}` : nounOf(signal))));
  return [group];
}

/** "gru/update_gate" of the layer "gru" is its "update gate", "both/forward/state" of "both" its "forward state". */
function stateName(id: string, layer: string): string {
  const rest = id.startsWith(layer) ? id.slice(layer.length).replace(/^\W+/, "") : id;
  return clip((rest || id).replace(/[_/]/g, " "), 40);
}
