/** The text of an input that is not being edited: as the editor draws it, to be read. A click brings the editor here. */
import type { Cell, Piece } from "../model/cells.ts";
import { button, clip, make } from "./dom.ts";
import { Mirror, type Mark } from "./mirror.ts";

export interface StillEvents {
  /** To be edited, with the caret after this piece; -1: at the end. */
  onPick(index: number): void;
  onHover(index: number, node: HTMLElement | undefined): void;
}

export class Still {
  readonly element: HTMLElement;
  readonly name: string;
  readonly #letters = make("div", "mirror");
  readonly #mirror: Mirror;

  constructor(name: string, events: StillEvents) {
    this.name = name;
    this.#letters.dir = "auto";
    this.#mirror = new Mirror(this.#letters);
    const edit = button("still-name", clip(name, 60), () => events.onPick(-1));
    edit.title = "Edit this text";
    this.element = make("div", "still", edit, this.#letters);
    this.#letters.addEventListener("click", ({ clientX, clientY }) => events.onPick(this.#mirror.indexAt(clientX, clientY)));
    this.#letters.addEventListener("pointermove", ({ clientX, clientY }) => {
      const index = this.#mirror.indexAt(clientX, clientY);
      events.onHover(index, this.#mirror.node(index));
    });
    this.#letters.addEventListener("pointerleave", () => events.onHover(-1, undefined));
  }

  show(pieces: readonly Piece[], levelOf: (cell: Cell) => number | null): void {
    this.#mirror.show(pieces, levelOf);
  }

  mark(mark: Mark, indices: readonly number[]): void {
    this.#mirror.mark(mark, indices);
  }
}
