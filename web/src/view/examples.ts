/** The model's own example texts, one button each. */
import type { ModelCard } from "#engine";
import { button, byId, clip } from "./dom.ts";

const EXAMPLES_SHOWN = 12;

export class Examples {
  readonly #root = byId("examples", HTMLDivElement);
  readonly #onPick: (text: string) => void;
  #chips: { text: string; chip: HTMLButtonElement }[] = [];

  constructor(onPick: (text: string) => void) {
    this.#onPick = onPick;
  }

  offer(examples: ModelCard["examples"]): void {
    this.#chips = examples.slice(0, EXAMPLES_SHOWN).map(({ text, title, note }) => {
      const chip = button("chip", clip(title || text, 28), () => this.#onPick(text));
      chip.title = note ?? "";
      return { text, chip };
    });
    this.#root.hidden = this.#chips.length === 0;
    this.#root.replaceChildren(...this.#chips.map(({ chip }) => chip));
  }

  /** Shows which example, if any, the text is. */
  mark(current: string): void {
    for (const { text, chip } of this.#chips) chip.setAttribute("aria-pressed", String(text.replace(/\r\n?/g, "\n") === current));
  }
}
