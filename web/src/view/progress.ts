/** Says what is being done with a file, how far that is, and lets one stop it. */
import { shareText } from "../model/numbers.ts";
import { button, byId, clip, make, setText } from "./dom.ts";

/** Milliseconds before anything is shown: most files take less. */
export const PATIENCE = 300;

/** Of those there were, so that each has an id of its own. */
let count = 0;

export class Progress {
  readonly #bar = make("progress");
  readonly #share = make("span", "progress-share");
  readonly #title = make("h2");
  readonly #notice: HTMLElement;
  readonly #timer: ReturnType<typeof setTimeout>;

  /** `onStop` is called when the user has seen enough. */
  constructor(onStop: () => void) {
    this.#title.id = `progress-title-${++count}`;
    this.#bar.max = 1;
    this.#bar.setAttribute("aria-labelledby", this.#title.id);
    this.#notice = make("section", "notice status working", this.#title, make("p", "progress-line", this.#bar, this.#share),
      button("quiet small dismiss", "Stop", onStop));
    this.#notice.setAttribute("role", "status");
    this.#timer = setTimeout(() => byId("notices", HTMLDivElement).prepend(this.#notice), PATIENCE);
  }

  /** `doing` is what is done with the file of this name: "Reading". null: nobody knows how far it is; `words` can say why. */
  show(doing: string, name: string, share: number | null, words = ""): void {
    setText(this.#title, `${doing} \u201c${clip(name, 80)}\u201d`);
    if (share === null) this.#bar.removeAttribute("value");
    else this.#bar.value = share;
    setText(this.#share, share === null ? words : shareText(share));
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#notice.remove();
  }
}
