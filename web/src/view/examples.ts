/** The model's own example texts, one button each. */
import type { ModelCard } from "#engine";
import { button, byId, clip, setText } from "./dom.ts";

const EXAMPLES_SHOWN = 12;

export class Examples {
  readonly #root = byId("examples", HTMLDivElement);
  readonly #onPick: (text: string) => void;
  readonly #note = byId("example-note", HTMLParagraphElement);
  /** The texts of all examples there have been, of whatever model. */
  readonly #offered = new Set<string>();
  #chips: { text: string; note: string; chip: HTMLButtonElement }[] = [];

  constructor(onPick: (text: string) => void) {
    this.#onPick = onPick;
  }

  offer(examples: ModelCard["examples"]): void {
    this.#chips = examples.slice(0, EXAMPLES_SHOWN).map(({ text, title, note }) => {
      const chip = button("chip", clip(title || text, 28), () => this.#onPick(text));
      return { text: asShown(text), note: note ?? "", chip };
    });
    for (const { text } of examples) this.#offered.add(asShown(text));
    this.#root.hidden = this.#chips.length === 0;
    this.#note.hidden = this.#chips.every(({ note }) => note === "");
    this.#root.replaceChildren(...this.#chips.map(({ chip }) => chip));
  }

  /** Whether this is the text of an example, of this model or of one before it: nobody typed it. */
  includes(text: string): boolean {
    return this.#offered.has(text);
  }

  /** Shows which example, if any, the text is, and what is remarkable about it. */
  mark(current: string): void {
    for (const { text, chip } of this.#chips) chip.setAttribute("aria-pressed", String(text === current));
    setText(this.#note, clip(this.#chips.find(({ text }) => text === current)?.note ?? "", 300));
  }
}

/** As a textarea has a text: with line feeds only. */
export function asShown(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}
