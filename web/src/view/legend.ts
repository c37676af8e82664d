/** What the colours mean, in numbers: the scale's range, the uniform mark, what is clipped; and the choices. */
import type { ModelCard, SignalCard } from "#engine";
import { constantText, weightText } from "../model/numbers.ts";
import { PALETTES, paletteById } from "../model/palettes.ts";
import { extentOf, SCALES, scaleById, shade, type Extent } from "../model/scales.ts";
import { byId, choice, make, setText } from "./dom.ts";
import { gradient } from "./glow.ts";

export interface LegendEvents {
  onScale(id: string): void;
  onPalette(id: string): void;
}

/** What the legend's numbers are about. */
export interface Scope {
  /** Weights on the text's cells. */
  weights: readonly number[];
  /** Of all that is on screen, the heat map included. */
  extent: Extent;
  domain: readonly [low: number, high: number];
  /** Values below 0 have a colour of their own. */
  signed: boolean;
  /** "characters" or "words". */
  cells: string;
}

export class Legend {
  readonly #scale: HTMLSelectElement;
  readonly #palette: HTMLSelectElement;
  readonly #bar = make("div", "legend-bar");
  readonly #tick = make("div", "legend-tick");
  readonly #rug = make("canvas", "legend-rug");
  readonly #low = make("span", "legend-low");
  readonly #high = make("span", "legend-high");
  readonly #uniform = make("span", "legend-uniform");
  readonly #note = make("p", "legend-note");
  readonly #body = make("div", "legend-body");
  readonly #none = make("p", "legend-none");
  /** What is to be drawn of it in the next frame. */
  #rugDue: [weights: readonly number[], domain: readonly [number, number], signed: boolean] | null = null;
  /** What the palette's bar on screen is of. */
  #painted = "";

  constructor(events: LegendEvents) {
    this.#scale = choice("scale", SCALES, events.onScale);
    this.#palette = choice("palette", PALETTES, events.onPalette);
    const labels = make("div", "legend-labels", this.#low, this.#uniform, this.#high);
    this.#bar.append(this.#tick);
    this.#body.append(this.#bar, this.#rug, labels, this.#note);
    byId("legend-controls", HTMLDivElement).append(this.#scale, this.#palette);
    byId("legend", HTMLDivElement).append(this.#body, this.#none);
  }

  /** The choices, and whether they say anything of this signal; null where the text has no colours. */
  choose(scaleId: string, paletteId: string, card: ModelCard | null, signal: SignalCard | null): void {
    const states = signal !== null && signal.kind !== "attention";
    for (const [i, { states: says }] of SCALES.entries()) this.#scale.options[i]!.hidden = states && !says;
    const scale = scaleById(scaleId, states);
    this.#scale.value = scale.id;
    this.#scale.title = scale.formula;
    this.#palette.value = paletteId;
    this.#palette.title = paletteById(paletteId).note;
    this.#body.hidden = this.#scale.hidden = this.#palette.hidden = card !== null && signal === null;
    setText(this.#none, card ? remark(card, signal) : "");
  }

  show(scaleId: string, paletteId: string, { weights, extent, domain, signed, cells }: Scope): void {
    const painted = `${paletteId} ${signed}`;
    if (painted !== this.#painted) this.#bar.style.backgroundImage = gradient(paletteId, signed);
    this.#painted = painted;
    const [low, high] = domain;
    const write = scaleId === "raw" || scaleId === "uniform" ? constantText : weightText;
    setText(this.#low, write(low));
    setText(this.#high, write(high));
    const uniform = extent.uniform;
    this.#low.hidden = this.#high.hidden = weights.length === 0;
    this.#uniform.hidden = weights.length === 0 || uniform === 0;
    const inside = uniform > 0 && uniform >= low && uniform <= high && high > low;
    this.#tick.hidden = !inside || weights.length === 0;
    const at = inside ? shade(uniform, domain) : uniform > high ? 1 : 0;
    this.#tick.style.left = `${100 * at}%`;
    // Anchored at its own share of its width, so that it never leaves the bar.
    this.#uniform.style.left = `${100 * at}%`;
    this.#uniform.style.transform = `translateX(${-100 * at}%)`;
    setText(this.#uniform, `uniform ${constantText(uniform)}`);
    setText(this.#note, noteOf(weights, domain, cells));
    // With the frame: to ask for its size now would lay out the page, which is still being changed, once more.
    if (this.#rugDue === null) requestAnimationFrame(() => this.#drawRug(...this.#rugDue!));
    this.#rugDue = [weights, domain, signed];
  }

  /** A tick for each character, where its weight lies on the scale. */
  #drawRug(weights: readonly number[], domain: readonly [number, number], signed: boolean): void {
    this.#rugDue = null;
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
    const at = (weight: number) => (signed ? (1 + shade(weight, domain)) / 2 : shade(weight, domain));
    for (const weight of weights) context.fillRect(Math.round(at(weight) * (width - size)), 0, size, height);
  }
}

/** What the colours cannot say themselves. */
function remark(card: ModelCard, signal: SignalCard | null): string {
  if (!signal) {
    const others = [card.gradients.length > 0 && "what its output reacts to", card.states.length > 0 && "the gates and states of its recurrent layers"].filter(Boolean).join(", or ");
    return `This model has no attention to show: its prediction runs, its characters stay without colour.${others && ` Choose ${others} above instead.`}`;
  }
  if (signal.degenerate) return "This attention is a softmax over an axis of length 1: it is 1 everywhere, whatever the text, and says nothing about it.";
  if (!signal.steps) return "Its steps are not those of the text, which stays without colour.";
  return "";
}

function noteOf(weights: readonly number[], [low, high]: readonly [number, number], cells: string): string {
  const one = cells.slice(0, -1);
  if (weights.length === 0) return `no ${one} has a weight`;
  const { min, max } = extentOf(0, weights);
  if (min === max) return weights.length === 1 ? `one ${one}` : `all ${weights.length} ${cells} equal: ${weightText(max)}`;
  const above = weights.filter((weight) => weight > high).length;
  const below = weights.filter((weight) => weight < low).length;
  const range = `${cells} from ${weightText(min)} to ${weightText(max)}`;
  if (above + below === 0) return `${range}, none clipped`;
  return `${range}, ${above + below} clipped: drawn as ${weightText(above > 0 ? high : low)}`;
}
