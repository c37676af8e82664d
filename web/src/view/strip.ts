/** The line that says what the model really saw of the text, and how far to trust the numbers. */
import type { Parity } from "../engine/protocol.ts";
import { spoken } from "../model/graphemes.ts";
import type { LatencySummary } from "../model/latency.ts";
import { differenceText, shareText } from "../model/numbers.ts";
import { onlyIdsDiffer } from "../model/parity.ts";
import type { Truth } from "../model/truth.ts";
import { byId, clip, make, setText } from "./dom.ts";
import { SpeedFigure } from "./speed.ts";

const UNKNOWN_SHOWN = 4;

class Item {
  readonly element = make("li");
  readonly #words: Text[] = [];
  readonly #numbers: HTMLElement[] = [];

  /** Words and numbers in turn, starting with words (which may be empty). `title` explains them. */
  constructor(title: string, numbers: number) {
    this.element.title = title;
    for (let i = 0; i <= numbers; i++) {
      const word = document.createTextNode("");
      this.#words.push(word);
      this.element.append(word);
      if (i === numbers) break;
      const number = make("b");
      this.#numbers.push(number);
      this.element.append(number);
    }
  }

  show(...parts: string[]): void {
    this.element.classList.remove("silent");
    for (const [i, part] of parts.entries()) {
      if (i % 2 === 1) setText(this.#numbers[i >> 1]!, part);
      else if (this.#words[i >> 1]!.data !== part) this.#words[i >> 1]!.data = part;
    }
  }

  /** Says nothing, and keeps its place. */
  hide(): void {
    this.element.classList.add("silent");
  }
}

export class Strip {
  readonly #read = new Item("Code points, or words, of the text that have a place in the model's input; what is cut off is pale in the text", 2);
  readonly #unknown = new Item("", 1);
  readonly #padding = new Item("Timesteps of the model's input that hold no text, and the attention that falls on them", 2);
  readonly #effective = new Item("The exponential of the entropy of the attention on the text: attention is as concentrated as if spread evenly over this many timesteps", 1);
  readonly #parity = new Item("The largest difference between this engine, on this machine, and the numbers that Keras itself wrote into the model file", 1);
  readonly #speed: SpeedFigure;

  /** `report` gives what a click on the speed copies. */
  constructor(report: () => string) {
    this.#speed = new SpeedFigure(report);
    const items = [this.#read, this.#unknown, this.#padding, this.#effective, this.#parity];
    for (const item of items) item.hide();
    byId("truth", HTMLUListElement).append(...items.map(({ element }) => element), this.#speed.element);
  }

  /** `cells`: "characters" or "words". `shortened`: a step of the attention stands for several characters. */
  showTruth(truth: Truth, cells: string, shortened: boolean): void {
    this.#read.element.classList.toggle("notable", truth.cut > 0);
    if (truth.cut === 0) this.#read.show("", String(truth.read), ` ${cells} read`, "", "");
    else this.#read.show("", String(truth.read), ` ${cells} read, `, String(truth.cut), ` cut off at the ${truth.cutEnd}`);
    this.#showUnknown(truth);
    if (truth.paddingShare !== null) {
      this.#padding.show("", String(truth.padding), truth.padding === 1 ? " padding step holds " : " padding steps hold ", shareText(truth.paddingShare), " of the attention");
    } else this.#padding.show("", String(truth.padding), " padding steps", "", "");
    if (truth.effective !== null) this.#effective.show("as if spread over ", truth.effective.toFixed(truth.effective < 9.95 ? 1 : 0), shortened ? " steps" : ` ${cells}`);
    else this.#effective.hide();
  }

  #showUnknown({ unknown, rare, unknownCharacters, unknownFate }: Truth): void {
    const { element } = this.#unknown;
    const left = unknown + rare;
    element.classList.toggle("notable", left > 0);
    element.title = `Code points that are not in the model's vocabulary, or too rare for it; hatched in the text. ${list(unknownCharacters, Infinity)}`;
    if (left === 0) return this.#unknown.show("", "0", " unknown to the model");
    const fate = unknownFate === "read" ? "unknown to the model" : "unknown, left out";
    if (unknown === 0) this.#unknown.show("", String(rare), " too rare, left out");
    else this.#unknown.show("", String(unknown), ` ${fate}: ${list(unknownCharacters, UNKNOWN_SHOWN)}${rare > 0 ? `; ${rare} too rare` : ""}`);
  }

  /** Without a text the strip says nothing of one. */
  clearTruth(): void {
    for (const item of [this.#read, this.#unknown, this.#padding, this.#effective]) item.hide();
    this.#speed.show(null);
  }

  showParity(parity: Parity): void {
    this.#parity.element.classList.toggle("notable", parity === "failed" || (typeof parity === "object" && parity !== null && !parity.agrees));
    if (parity === "checking") return this.#parity.show("checking against Keras\u2026", "", "");
    if (parity === "failed") return this.#parity.show("could not be compared with Keras", "", "");
    if (!parity) return this.#parity.show("no numbers of Keras's own to compare", "", "");
    if (onlyIdsDiffer(parity)) return this.#parity.show("other ids than the model was made with", "", "");
    const worst = differenceText(Math.max(parity.output_difference, parity.attention_difference));
    this.#parity.show(parity.agrees ? "agrees with Keras to " : "differs from Keras by ", worst, "");
  }

  /** null: no key was timed yet. */
  showSpeed(summary: LatencySummary | null): void {
    this.#speed.show(summary);
  }
}

/** Each in a bidirectional isolate, so that right-to-left letters do not turn the list around. */
function list(characters: readonly string[], limit: number): string {
  const shown = characters.slice(0, Math.min(limit, 100)).map((character) => `\u2068${clip(spoken(character), 12)}\u2069`).join(" ");
  const hidden = characters.length - Math.min(limit, 100);
  return hidden > 0 ? `${shown} and ${hidden} more` : shown;
}
