/** Says that a file is being converted, how far that is, and lets one stop it. */
import { shareText } from "../model/numbers.ts";
import { button, byId, clip, make } from "./dom.ts";

/** Milliseconds before anything is shown: most files take less. */
const PATIENCE = 150;

export class Progress {
  readonly #bar = make("progress");
  readonly #share = make("span", "progress-share");
  readonly #notice: HTMLElement;
  readonly #timer: ReturnType<typeof setTimeout>;

  /** `onStop` is called when the user has seen enough. */
  constructor(name: string, onStop: () => void) {
    const title = make("h2", "", `Converting \u201c${clip(name, 80)}\u201d`);
    title.id = "progress-title";
    this.#bar.max = 1;
    this.#bar.setAttribute("aria-labelledby", title.id);
    this.#notice = make("section", "notice status", title, make("p", "progress-line", this.#bar, this.#share),
      button("quiet small dismiss", "Stop", onStop));
    this.#notice.setAttribute("role", "status");
    this.#timer = setTimeout(() => byId("notices", HTMLDivElement).prepend(this.#notice), PATIENCE);
  }

  /** null: it has not begun. */
  show(share: number | null): void {
    if (share === null) this.#bar.removeAttribute("value");
    else this.#bar.value = share;
    this.#share.textContent = share === null ? "getting the reader for Keras files" : shareText(share);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#notice.remove();
  }
}
