/** What the colours mean, in numbers: the scale's range, the uniform mark, what is clipped; and the choices. */
import type { AttentionCard } from "#engine";
import { constantText, weightText } from "../model/numbers.ts";
import { PALETTES, paletteById } from "../model/palettes.ts";
import { SCALES, scaleById, shade, type Extent } from "../model/scales.ts";
import { byId, clip, make, setText } from "./dom.ts";
import { gradient } from "./glow.ts";

export interface LegendEvents {
  onScale(id: string): void;
  onPalette(id: string): void;
  onSignal(id: string): void;
}

export class Legend {
  readonly #scale: HTMLSelectElement;
  readonly #palette: HTMLSelectElement;
  readonly #signal: HTMLSelectElement;
  readonly #signalLabel: HTMLElement;
  readonly #bar = make("div", "legend-bar");
  readonly #tick = make("div", "legend-tick");
  readonly #rug = make("canvas", "legend-rug");
  readonly #low = make("span", "legend-low");
  readonly #high = make("span", "legend-high");
  readonly #uniform = make("span", "legend-uniform");
  readonly #note = make("p", "legend-note");
  readonly #body = make("div", "legend-body");
  readonly #none = make("p", "legend-none");
  /** What there is to choose from: a list is made once for each model. */
  #offered: readonly AttentionCard[] = [];

  constructor(events: LegendEvents) {
    this.#scale = choice("scale", SCALES, events.onScale);
    this.#palette = choice("palette", PALETTES, events.onPalette);
    this.#signal = choice("attention layer", [], events.onSignal);
    this.#signalLabel = make("span", "legend-signal", this.#signal);
    const controls = make("div", "legend-controls", this.#signalLabel, this.#scale, this.#palette);
    const labels = make("div", "legend-labels", this.#low, this.#uniform, this.#high);
    this.#bar.append(this.#tick);
    this.#body.append(this.#bar, this.#rug, labels, this.#note);
    byId("legend-controls", HTMLDivElement).append(controls);
    byId("legend", HTMLDivElement).append(this.#body, this.#none);
  }

  choose(scale: string, palette: string): void {
    this.#scale.value = scale;
    this.#scale.title = scaleById(scale).formula;
    this.#palette.value = palette;
    this.#palette.title = paletteById(palette).note;
    this.#bar.style.backgroundImage = gradient(palette);
  }

  /** The attentions to choose from; nothing to choose where there is one. */
  offer(attention: readonly AttentionCard[], chosen: string): void {
    if (attention !== this.#offered) this.#signal.replaceChildren(...attention.map(({ id, layer }) => option(id, clip(layer, 40))));
    this.#offered = attention;
    this.#signal.value = chosen;
    this.#signalLabel.hidden = attention.length < 2;
    const degenerate = attention.find(({ id }) => id === chosen)?.degenerate ?? false;
    this.#body.hidden = attention.length === 0;
    this.#scale.hidden = this.#palette.hidden = attention.length === 0;
    setText(this.#none,
      attention.length === 0 ? "This model has no attention to show: its prediction runs, its characters stay without colour."
      : degenerate ? "This attention is a softmax over an axis of length 1: it is 1 everywhere, whatever the text, and says nothing about it."
      : "");
  }

  show(scaleId: string, weights: readonly number[], extent: Extent): void {
    const scale = scaleById(scaleId);
    const domain = scale.domain(extent);
    const [low, high] = domain;
    const write = scaleId === "raw" || scaleId === "uniform" ? constantText : weightText;
    setText(this.#low, write(low));
    setText(this.#high, write(high));
    this.#low.hidden = this.#high.hidden = this.#uniform.hidden = weights.length === 0;
    const inside = extent.uniform >= low && extent.uniform <= high && high > low;
    this.#tick.hidden = !inside || weights.length === 0;
    const at = inside ? shade(extent.uniform, domain) : extent.uniform > high ? 1 : 0;
    this.#tick.style.left = `${100 * at}%`;
    // Anchored at its own share of its width, so that it never leaves the bar.
    this.#uniform.style.left = `${100 * at}%`;
    this.#uniform.style.transform = `translateX(${-100 * at}%)`;
    setText(this.#uniform, `uniform ${constantText(extent.uniform)}`);
    setText(this.#note, noteOf(weights, extent, domain));
    this.#drawRug(weights, domain);
  }

  /** A tick for each character, where its weight lies on the scale. */
  #drawRug(weights: readonly number[], domain: readonly [number, number]): void {
    const ratio = window.devicePixelRatio || 1;
    const width = Math.max(1, Math.round(this.#rug.clientWidth * ratio));
    const height = Math.max(1, Math.round(this.#rug.clientHeight * ratio));
    if (this.#rug.width !== width) this.#rug.width = width;
    if (this.#rug.height !== height) this.#rug.height = height;
    const context = this.#rug.getContext("2d");
    if (!context) return;
    context.clearRect(0, 0, width, height);
    context.fillStyle = getComputedStyle(this.#rug).color;
    context.globalAlpha = 0.45;
    const size = Math.max(1, Math.round(ratio));
    for (const weight of weights) context.fillRect(Math.round(shade(weight, domain) * (width - size)), 0, size, height);
  }
}

function noteOf(weights: readonly number[], { min, max }: Extent, [low, high]: readonly [number, number]): string {
  if (weights.length === 0) return "no character has attention";
  if (min === max) return weights.length === 1 ? "one character" : `all ${weights.length} characters equal: ${weightText(max)}`;
  const above = weights.filter((weight) => weight > high).length;
  const below = weights.filter((weight) => weight < low).length;
  const range = `characters from ${weightText(min)} to ${weightText(max)}`;
  if (above + below === 0) return `${range}, none clipped`;
  return `${range}, ${above + below} clipped: drawn as ${weightText(above > 0 ? high : low)}`;
}

function choice(label: string, options: readonly { id: string; name: string }[], onChange: (id: string) => void): HTMLSelectElement {
  const select = make("select", "choice", ...options.map(({ id, name }) => option(id, name)));
  select.setAttribute("aria-label", label);
  select.addEventListener("change", () => onChange(select.value));
  return select;
}

function option(value: string, label: string): HTMLOptionElement {
  const element = make("option", "", label);
  element.value = value;
  return element;
}
