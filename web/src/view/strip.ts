/** The line that says what the model really saw of the text, and how far to trust the numbers. */
import type { ModelCard, ParityReport } from "#engine";
import { spoken } from "../model/graphemes.ts";
import { differenceText, millisecondsText, shareText } from "../model/numbers.ts";
import type { Truth } from "../model/truth.ts";
import { byId, clip, make } from "./dom.ts";

const UNKNOWN_SHOWN = 6;

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
    this.element.hidden = false;
    for (const [i, part] of parts.entries()) {
      const target = i % 2 === 0 ? this.#words[i >> 1]! : this.#numbers[i >> 1]!;
      if (target.textContent !== part) target.textContent = part;
    }
  }

  hide(): void {
    this.element.hidden = true;
  }
}

export class Strip {
  readonly #read = new Item("Code points of the text that have a place in the model's input", 1);
  readonly #unknown = new Item("Code points that are not in the model's vocabulary; hatched in the text", 1);
  readonly #rare = new Item("Their ids are not below num_words, so Keras leaves them out", 1);
  readonly #cut = new Item("Code points beyond the length of the model's input; shown pale in the text", 1);
  readonly #padding = new Item("Timesteps of the model's input that hold no text, and the attention that falls on them", 2);
  readonly #effective = new Item("The exponential of the entropy of the attention on the text: attention is as concentrated as if spread evenly over this many timesteps", 1);
  readonly #parity = new Item("The largest difference between this engine, on this machine, and the numbers that Keras itself wrote into the model file", 1);
  readonly #speed = new Item("From key to answer, the median of the last 15", 1);

  constructor() {
    const items = [this.#read, this.#unknown, this.#rare, this.#cut, this.#padding, this.#effective, this.#parity, this.#speed];
    for (const item of items) item.hide();
    byId("truth", HTMLUListElement).append(...items.map(({ element }) => element));
  }

  showTruth(truth: Truth, card: ModelCard): void {
    const word = card.text?.unit === "word" ? "characters, in words," : "characters";
    this.#read.show("", String(truth.read), ` ${word} read`);
    this.#unknown.element.classList.toggle("notable", truth.unknown > 0);
    this.#unknown.show("", String(truth.unknown), truth.unknown === 0 ? " unknown to the model" : ` unknown ${truth.unknownFate === "dropped" ? "and left out" : "to the model"}: ${list(truth.unknownCharacters)}`);
    if (truth.rare > 0) this.#rare.show("", String(truth.rare), " too rare and left out");
    else this.#rare.hide();
    this.#cut.element.classList.toggle("notable", truth.cut > 0);
    if (truth.cut > 0) this.#cut.show("", String(truth.cut), ` cut off at the ${truth.cutEnd}`);
    else this.#cut.hide();
    if (truth.paddingShare !== null) {
      this.#padding.show("", String(truth.padding), truth.padding === 1 ? " padding step holds " : " padding steps hold ", shareText(truth.paddingShare), " of the attention");
    } else this.#padding.show("", String(truth.padding), " padding steps", "", "");
    if (truth.effective !== null) this.#effective.show("as if spread over ", truth.effective.toFixed(truth.effective < 9.95 ? 1 : 0), " characters");
    else this.#effective.hide();
  }

  /** Without a text the strip says nothing of one. */
  clearTruth(): void {
    for (const item of [this.#read, this.#unknown, this.#rare, this.#cut, this.#padding, this.#effective, this.#speed]) item.hide();
  }

  showParity(parity: ParityReport | null): void {
    this.#parity.element.classList.toggle("notable", parity !== null && !parity.agrees);
    if (!parity) return this.#parity.show("no numbers of Keras's own in the file to compare with", "", "");
    const worst = differenceText(Math.max(parity.output_difference, parity.attention_difference));
    this.#parity.show(parity.agrees ? "agrees with Keras to " : "differs from Keras by ", worst, "");
  }

  showSpeed(milliseconds: number): void {
    this.#speed.show("", `${millisecondsText(milliseconds)} ms`, " a keystroke");
  }
}

/** Each in a bidirectional isolate, so that right-to-left letters do not turn the list around. */
function list(characters: readonly string[]): string {
  const shown = characters.slice(0, UNKNOWN_SHOWN).map((character) => `\u2068${clip(spoken(character), 12)}\u2069`).join(" ");
  const hidden = characters.length - UNKNOWN_SHOWN;
  return hidden > 0 ? `${shown} and ${hidden} more` : shown;
}
