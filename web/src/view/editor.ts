/**
 * The editor: a native textarea with transparent letters (undo, input methods, paste, selection, screen readers and
 * bidirectional text are the browser's own) above the mirror that draws them coloured.
 */
import type { Cell, Piece } from "../model/cells.ts";
import { mayRunLeft } from "../model/graphemes.ts";
import { byId } from "./dom.ts";
import { Mirror, type Mark } from "./mirror.ts";

export interface Selection {
  start: number;
  end: number;
  /** The piece that was clicked to put the caret here: a click on a character's left half puts it in front. */
  clicked?: number;
}

export interface EditorEvents {
  /** The user changed the text; `keyAt`: when the key was pressed that did it, in the time of performance.now(). null: none did. */
  onInput(keyAt: number | null): void;
  /** The caret moved, or the editor got or lost the focus (`null`). Offsets are in UTF-16 units. */
  onCaret(selection: Selection | null): void;
  /** The pointer is over a piece; -1: over none. */
  onHover(index: number, node: HTMLElement | undefined): void;
}

export class Editor {
  readonly #input = byId("text", HTMLTextAreaElement);
  readonly #paper = byId("paper", HTMLDivElement);
  readonly #layers = byId("layers", HTMLDivElement);
  readonly #mirror = new Mirror(byId("mirror", HTMLDivElement));
  readonly #events: EditorEvents;
  #caret: Selection = { start: 0, end: 0 };
  #hovered = -1;
  #pointer: { x: number; y: number } | null = null;
  /** When the key was pressed that is being handled. Its own time stamp: an input event is stamped when the browser gets to it. */
  #keyAt: number | null = null;

  constructor(events: EditorEvents) {
    this.#events = events;
    this.#input.addEventListener("click", ({ clientX, clientY }) => {
      const clicked = this.#mirror.indexAt(clientX, clientY);
      this.#caret = { start: this.#input.selectionStart, end: this.#input.selectionEnd, ...(clicked < 0 ? {} : { clicked }) };
      this.#tellCaret();
    });
    this.#input.addEventListener("keydown", (event) => {
      this.#keyAt = event.timeStamp;
    });
    this.#input.addEventListener("keyup", () => (this.#keyAt = null));
    this.#input.addEventListener("input", (event) => {
      this.#caret = { start: -1, end: -1 };
      // What a shortcut pastes, cuts or takes back is no keystroke.
      const typed = /^(insertText|insertLineBreak|deleteContent(Backward|Forward))$/.test((event as InputEvent).inputType ?? "");
      const keyAt = typed ? this.#keyAt : null;
      this.#keyAt = null;
      // With the field's next layout, which may be before the mirror's.
      if (mayRunLeft(this.text)) this.#input.classList.add("bidi");
      events.onInput(keyAt);
      this.#tellCaret();
    });
    for (const name of ["focus", "blur", "select"]) this.#input.addEventListener(name, () => this.#tellCaret());
    document.addEventListener("selectionchange", () => this.#tellCaret());
    this.#input.addEventListener("pointermove", (event) => this.#point({ x: event.clientX, y: event.clientY }));
    for (const name of ["pointerleave", "pointercancel"]) this.#input.addEventListener(name, () => this.#point(null));
    for (const target of [window, this.#paper]) target.addEventListener("scroll", () => this.#point(null), { passive: true });
  }

  get text(): string {
    return this.#input.value;
  }

  /** Shows a text that did not come from the keyboard; it does not call `onInput` and cannot be undone. */
  setText(text: string): void {
    if (this.#input.value !== text) this.#input.value = text;
  }

  /** Replaces the text as if it had been typed: undo brings back the text before. */
  replaceText(text: string): void {
    this.#input.focus();
    this.#input.select();
    const before = this.#input.value;
    // The one way to edit a field that keeps the browser's undo. Some browsers lack it for text fields.
    if (!document.execCommand(text === "" ? "delete" : "insertText", false, text) || (this.#input.value === before && text !== before)) {
      this.#input.value = text;
      this.#events.onInput(null);
    }
    this.#paper.scrollTop = 0;
  }

  /** Replaces the text so that undo brings back the one before; the focus and what is in view stay. */
  exchangeText(text: string): void {
    const focused = document.activeElement;
    const { scrollX, scrollY } = window;
    this.replaceText(text);
    if (focused instanceof HTMLElement && focused !== document.body) focused.focus({ preventScroll: true });
    else this.#input.blur();
    window.scrollTo(scrollX, scrollY);
  }

  focusAt(offset: number): void {
    this.#input.focus({ preventScroll: true });
    this.#input.setSelectionRange(offset, offset);
  }

  focusEnd(): void {
    this.focusAt(this.#input.value.length);
  }

  /** After a dialog: Chromium gives the field its focus back, but not its caret. */
  restoreCaret(): void {
    const { start, end } = this.#caret;
    this.#input.focus();
    this.#input.setSelectionRange(start, end);
  }

  /** Room for a text that is drawn later, so that the browser can scroll to the caret now. `show` ends it. */
  makeRoom(): void {
    this.#layers.style.minHeight = `${this.#input.scrollHeight}px`;
  }

  show(pieces: readonly Piece[], levelOf: (cell: Cell) => number | null): void {
    this.#mirror.show(pieces, levelOf);
    this.#input.classList.toggle("bidi", this.#mirror.bidi);
    if (this.#layers.style.minHeight !== "") this.#layers.style.minHeight = "";
    if (this.#pointer) this.#point(this.#pointer);
  }

  mark(mark: Mark, indices: readonly number[]): void {
    this.#mirror.mark(mark, indices);
  }

  /** The caret, without taking the focus from where it is. */
  placeCaret(offset: number): void {
    this.#input.setSelectionRange(offset, offset);
    this.#tellCaret();
  }

  #tellCaret(): void {
    if (document.activeElement !== this.#input || document.querySelector("dialog[open]")) {
      delete this.#caret.clicked;
      return this.#events.onCaret(null);
    }
    const [start, end] = [this.#input.selectionStart, this.#input.selectionEnd];
    // The same place as before is the same character as before, clicked or not.
    if (start !== this.#caret.start || end !== this.#caret.end) this.#caret = { start, end };
    this.#events.onCaret(this.#caret);
  }

  #point(pointer: { x: number; y: number } | null): void {
    this.#pointer = pointer;
    const index = pointer ? this.#mirror.indexAt(pointer.x, pointer.y) : -1;
    if (index < 0 && this.#hovered < 0) return;
    this.#hovered = index;
    this.#events.onHover(index, this.#mirror.node(index));
  }
}
