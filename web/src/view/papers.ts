/** The texts of the model's inputs: one of them in the editor, the others, where there are any, as stills around it. */
import { changedMuch, guessPieces, type Cell, type Piece, type Unit } from "../model/cells.ts";
import type { Room } from "../model/room.ts";
import { byId, clip, setText } from "./dom.ts";
import { Editor, type Selection } from "./editor.ts";
import type { Mark } from "./mirror.ts";
import { Still } from "./still.ts";

export interface PapersEvents {
  /** The user changed the text in the editor; `keyAt`: see EditorEvents. */
  onInput(keyAt: number | null): void;
  onCaret(selection: Selection | null): void;
  /** The pointer is over a piece of a text; -1: over none. */
  onHover(place: number, index: number, node: HTMLElement | undefined): void;
  /** Another text is in the editor. */
  onTurn(): void;
}

interface Paper {
  text: string;
  pieces: Piece[];
  still: Still | null;
}

export class Papers {
  readonly editor: Editor;
  readonly #events: PapersEvents;
  #papers: Paper[] = [{ text: "", pieces: [], still: null }];
  #active = 0;

  constructor(events: PapersEvents) {
    this.#events = events;
    this.editor = new Editor({
      onInput: (keyAt) => events.onInput(keyAt),
      onCaret: (caret) => events.onCaret(caret),
      onHover: (index, node) => events.onHover(this.#active, index, node),
    });
  }

  /** The place of the text in the editor. */
  get active(): number {
    return this.#active;
  }

  get texts(): string[] {
    return this.#papers.map(({ text }, place) => (place === this.#active ? this.editor.text : text));
  }

  /** A text for each of these inputs; one has no need of its name. The texts stay, as far as there are inputs for them. */
  offer(names: readonly string[]): void {
    const texts = this.texts;
    const count = Math.max(1, names.length);
    this.#papers = Array.from({ length: count }, (_, place): Paper => ({
      text: texts[place] ?? "", pieces: [],
      still: count < 2 ? null : new Still(names[place]!, {
        onPick: (index) => this.#turn(place, index),
        onHover: (index, node) => this.#events.onHover(place, index, node),
      }),
    }));
    if (this.#active >= count) this.#active = 0;
    this.editor.setText(this.#papers[this.#active]!.text);
    this.#arrange();
  }

  setText(place: number, text: string): void {
    const paper = this.#papers[place];
    if (!paper) return;
    paper.text = text;
    if (place === this.#active) this.editor.setText(text);
  }

  /** Another text in the place of the first, which undo brings back; the focus stays where it is. */
  exchangeText(text: string): void {
    if (this.#active === 0) this.editor.exchangeText(text);
    else this.setText(0, text);
  }

  pieces(place: number): readonly Piece[] {
    return this.#papers[place]?.pieces ?? [];
  }

  setPieces(place: number, pieces: Piece[]): void {
    const paper = this.#papers[place];
    if (paper) paper.pieces = pieces;
  }

  /** Cuts the texts as they are now, keeping what the engine has said of them. */
  guess(unitOf: (place: number) => Unit, roomOf: (place: number) => Room | null): void {
    for (const [place, text] of this.texts.entries()) this.setPieces(place, guessPieces(text, this.pieces(place), unitOf(place), roomOf(place)));
  }

  /** Whether a guess would leave much of a text uncut that has pieces on screen. */
  changedMuch(unitOf: (place: number) => Unit): boolean {
    return this.texts.some((text, place) => changedMuch(text, this.pieces(place), unitOf(place)));
  }

  draw(levelOf: (cell: Cell) => number | null): void {
    for (const [place, { pieces, still }] of this.#papers.entries()) {
      if (place === this.#active) this.editor.show(pieces, levelOf);
      else still?.show(pieces, levelOf);
    }
  }

  /** Puts a mark on these pieces of one text and takes it off all others. */
  mark(mark: Mark, place: number, indices: readonly number[]): void {
    for (const [other, { still }] of this.#papers.entries()) {
      const marked = other === place ? indices : [];
      if (other === this.#active) this.editor.mark(mark, marked);
      else still?.mark(mark, marked);
    }
  }

  /** Puts another text into the editor, with the caret after one of its pieces, or at its end. */
  #turn(place: number, index: number): void {
    const [before, next] = [this.#papers[this.#active]!, this.#papers[place]!];
    before.text = this.editor.text;
    this.#active = place;
    this.editor.setText(next.text);
    this.#arrange();
    this.#events.onTurn();
    const offset = index < 0 ? next.text.length : next.pieces.slice(0, index + 1).reduce((sum, { text }) => sum + text.length, 0);
    this.editor.focusAt(offset);
  }

  /** Stills in the order of the inputs, with the editor in the place of the active one. */
  #arrange(): void {
    const several = this.#papers.length > 1;
    const name = byId("input-name", HTMLParagraphElement);
    name.hidden = !several;
    setText(name, several ? clip(this.#papers[this.#active]!.still!.name, 60) : "");
    const stills = this.#papers.map(({ still }) => still?.element);
    byId("stills-before", HTMLDivElement).replaceChildren(...stills.slice(0, this.#active).flatMap((still) => still ?? []));
    byId("stills-after", HTMLDivElement).replaceChildren(...stills.slice(this.#active + 1).flatMap((still) => still ?? []));
  }
}
