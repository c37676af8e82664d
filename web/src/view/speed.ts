/** The page's own figure: how long keys take until their colours are on screen. A click copies it with all that belongs to it. */
import { KEYS_KEPT, type LatencySummary } from "../model/latency.ts";
import { millisecondsText } from "../model/numbers.ts";
import { byId, button, copyText, make, setText } from "./dom.ts";

const WHAT = `From a key\u2019s own time stamp to the end of the frame that has its colours (they fade in from then on): the median of the last ${KEYS_KEPT} keys. Engine: its share of that, in the worker.`;
/** Milliseconds for which it is said that something was copied. */
const SAID = 1500;

export class SpeedFigure {
  readonly element: HTMLElement;
  readonly #button: HTMLButtonElement;
  readonly #paint = make("b");
  readonly #engine = make("b");
  readonly #said = make("span", "speed-said");
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `report` gives what a click copies. */
  constructor(report: () => string) {
    this.#button = button("link speed", "", () => void this.#copy(report()));
    this.#button.title = `${WHAT} Click to copy it.`;
    this.#button.append("key to paint ", this.#paint, " ms; engine ", this.#engine, " ms", this.#said);
    this.element = make("li", "silent", this.#button);
  }

  /** null: there is nothing to tell; its place stays. */
  show(summary: LatencySummary | null): void {
    this.element.classList.toggle("silent", summary === null);
    if (!summary) return;
    setText(this.#paint, millisecondsText(summary.paint.p50));
    setText(this.#engine, millisecondsText(summary.engine.p50));
  }

  async #copy(report: string): Promise<void> {
    const word = (await copyText(report)) ? "copied" : "copying is not allowed";
    setText(this.#said, ` \u00b7 ${word}`);
    setText(byId("said", HTMLDivElement), word);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => setText(this.#said, ""), SAID);
  }
}
