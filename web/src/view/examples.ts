/** The model's own example texts, one button each. */
import type { ModelCard } from "#engine";
import { button, byId, clip, setText } from "./dom.ts";

const EXAMPLES_SHOWN = 12;

export class Examples {
  readonly #root = byId("examples", HTMLDivElement);
  readonly #onPick: (text: string) => void;
  readonly #note = byId("example-note", HTMLParagraphElement);
  #chips: { text: string; note: string; chip: HTMLButtonElement }[] = [];

  constructor(onPick: (text: string) => void) {
    this.#onPick = onPick;
  }

  offer(examples: ModelCard["examples"]): void {
    this.#chips = examples.slice(0, EXAMPLES_SHOWN).map(({ text, title, note }) => {
      const chip = button("chip", clip(title || text, 28), () => this.#onPick(text));
      // A textarea has line feeds only.
      return { text: text.replace(/\r\n?/g, "\n"), note: note ?? "", chip };
    });
    this.#root.hidden = this.#chips.length === 0;
    this.#note.hidden = this.#chips.every(({ note }) => note === "");
    this.#root.replaceChildren(...this.#chips.map(({ chip }) => chip));
  }

  /** Shows which example, if any, the text is, and what is remarkable about it. */
  mark(current: string): void {
    for (const { text, chip } of this.#chips) chip.setAttribute("aria-pressed", String(text === current));
    setText(this.#note, clip(this.#chips.find(({ text }) => text === current)?.note ?? "", 300));
  }
}
