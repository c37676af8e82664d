/**
 * Draws the text behind the (transparent) textarea: an inline element for each piece, in one flow, so that it wraps as
 * the textarea's own text does. Nodes are reused: a keystroke touches what it changed, and where the text grows none is
 * removed (see setText in dom.ts for why).
 *
 * A model of any length reads a book, and a hundred thousand elements would be laid out anew with every key. Of so many cells
 * only those in view and around it are elements; what comes before and after them is text without colour, which nobody sees.
 */
import type { Cell, Piece } from "../model/cells.ts";
import { mayRunLeft } from "../model/graphemes.ts";
import { glowClass } from "./glow.ts";
import { Letters } from "./letters.ts";
import { aroundView, CELLS_DRAWN, inView, scrollerOf, type Part } from "./mirror_view.ts";

interface Drawn {
  node: HTMLSpanElement;
  letters: Letters;
  kind: Piece["kind"];
  className: string;
}

/** Class of a cell of white space. */
const WHITE: Record<string, string> = { " ": "space", "\u00a0": "space nbsp", "\n": "newline", "\t": "tab" };
/** Characters that take no room, bidirectional controls among them; a joiner inside a grapheme is not alone. */
const ZERO_WIDTH = /^[\p{Cf}\p{Cc}\u2028\u2029]+$/u;

/**
 * here: what the readout speaks of. hover: what the pointer is at, here or in the heat map. query: whose attention colours
 * the text.
 */
export type Mark = "here" | "hover" | "query";

/** More than one types in one go. */
const SPENT_KEPT = 1000;

export class Mirror {
  readonly #root: HTMLElement;
  #drawn: Drawn[] = [];
  /** Nodes without text that are to leave the document when the text next shrinks. */
  #spent: HTMLSpanElement[] = [];
  #length = 0;
  /** What the rest of the page speaks of: nodes by the kind of mark. */
  readonly #marked = new Map<Mark, Set<HTMLElement>>();
  /** The same by the pieces' places. */
  readonly #marks = new Map<Mark, readonly number[]>();
  #pieces: readonly Piece[] = [];
  #levelOf: (cell: Cell) => number | null = () => null;
  /** The pieces that are drawn one by one. All, unless there are too many. */
  #part: Part = { first: 0, end: 0 };
  #looking = false;
  /** A line break at the very end makes a line of its own only if something follows it. */
  readonly #end = document.createTextNode("\u200b");

  constructor(root: HTMLElement) {
    this.#root = root;
    root.append(this.#end);
    // The editor's paper scrolls, and the letters of a still themselves.
    for (const target of [root, root.closest(".paper")]) target?.addEventListener("scroll", () => this.#look(), { passive: true });
  }

  /** `levelOf` gives a cell's colour level, null for a cell without attention. */
  show(pieces: readonly Piece[], levelOf: (cell: Cell) => number | null): void {
    [this.#pieces, this.#levelOf] = [pieces, levelOf];
    this.#root.classList.toggle("bidi", pieces.some(({ text }) => mayRunLeft(text)));
    if (pieces.length <= CELLS_DRAWN) this.#part = { first: 0, end: pieces.length };
    else {
      const [first, length] = [Math.min(this.#part.first, pieces.length - 1), this.#part.end - this.#part.first];
      this.#part = { first, end: Math.min(pieces.length, first + Math.min(Math.max(length, 1), CELLS_DRAWN)) };
      this.#look();
    }
    this.#draw();
  }

  #draw(): void {
    const levelOf = this.#levelOf;
    const pieces = this.#onScreen();
    this.#patch(pieces);
    for (const [i, piece] of pieces.entries()) {
      const drawn = this.#drawn[i]!;
      const className = classOf(piece, levelOf);
      if (drawn.className !== className) drawn.node.className = drawn.className = className;
    }
  }

  /** The part that is drawn piece by piece, with all before and after it as one piece each. */
  #onScreen(): readonly Piece[] {
    const [pieces, { first, end }] = [this.#pieces, this.#part];
    if (first === 0 && end === pieces.length) return pieces;
    const rest = (some: readonly Piece[]): Piece[] => (some.length > 0 ? [{ kind: "run", text: some.map(({ text }) => text).join(""), fate: "plain" }] : []);
    return [...rest(pieces.slice(0, first)), ...pieces.slice(first, end), ...rest(pieces.slice(end))];
  }

  /** Looks in the next frame whether all that is in view is drawn piece by piece, and draws it so. */
  #look(): void {
    if (this.#looking || this.#pieces.length <= CELLS_DRAWN) return;
    this.#looking = true;
    requestAnimationFrame(() => {
      this.#looking = false;
      const length = this.#pieces.length;
      if (length <= CELLS_DRAWN) return;
      const view = inView(scrollerOf(this.#root), this.#drawn.map(({ letters }) => letters));
      const part = aroundView(this.#pieces, view, this.#part);
      if (part.first === this.#part.first && part.end === this.#part.end) return;
      this.#part = part;
      // A mark is on a place in the text, not on a node.
      const marks = [...this.#marks];
      for (const [mark] of marks) this.mark(mark, []);
      this.#draw();
      for (const [mark, indices] of marks) this.mark(mark, indices);
    });
  }

  /** Whether its text may run from right to left: so it is laid out then. */
  get bidi(): boolean {
    return this.#root.classList.contains("bidi");
  }

  /** Index of the piece that is drawn under a point of the viewport, -1 for none. */
  indexAt(x: number, y: number): number {
    for (const element of document.elementsFromPoint(x, y)) {
      if (element.parentNode !== this.#root) continue;
      const at = this.#drawn.findIndex(({ node }) => node === element);
      const index = at < 0 ? -1 : at - this.#before + this.#part.first;
      return index >= this.#part.first && index < this.#part.end ? index : -1;
    }
    return -1;
  }

  node(index: number): HTMLElement | undefined {
    const { first, end } = this.#part;
    return index >= first && index < end ? this.#drawn[index - first + this.#before]?.node : undefined;
  }

  /** Elements before those of the part. */
  get #before(): number {
    return this.#part.first > 0 ? 1 : 0;
  }

  /** Puts a mark on these pieces and takes it off all others. */
  mark(mark: Mark, indices: readonly number[]): void {
    this.#marks.set(mark, indices);
    const before = this.#marked.get(mark);
    const now = new Set(indices.flatMap((index) => this.node(index) ?? []));
    for (const node of before ?? []) if (!now.has(node)) delete node.dataset[mark];
    for (const node of now) node.dataset[mark] = "true";
    this.#marked.set(mark, now);
  }

  /** Makes the nodes agree with the pieces' texts; colours are `show`'s business. */
  #patch(pieces: readonly Piece[]): void {
    const before = this.#drawn;
    const length = pieces.reduce((sum, { text }) => sum + text.length, 0);
    if (length < this.#length || this.#spent.length > SPENT_KEPT) {
      for (const node of this.#spent) node.remove();
      this.#spent = [];
    }
    let head = 0;
    let [oldEnd, newEnd] = [before.length, pieces.length];
    const same = (i: number, j: number) => before[i]!.letters.text === pieces[j]!.text && before[i]!.kind === pieces[j]!.kind;
    // A run that grew or shrank (the part that is cut off, at either end) keeps its node.
    const sameRun = (i: number, j: number) => before[i]!.kind === "run" && pieces[j]!.kind === "run";
    while (head < oldEnd && head < newEnd && (same(head, head) || sameRun(head, head))) {
      before[head]!.letters.text = pieces[head]!.text;
      head++;
    }
    while (oldEnd > head && newEnd > head && (same(oldEnd - 1, newEnd - 1) || sameRun(oldEnd - 1, newEnd - 1))) {
      before[--oldEnd]!.letters.text = pieces[--newEnd]!.text;
    }
    // What differs takes the nodes that stand there, one for one.
    for (; head < oldEnd && head < newEnd; head++) {
      before[head]!.letters.text = pieces[head]!.text;
      before[head]!.kind = pieces[head]!.kind;
    }
    const shrank = length < this.#length;
    this.#length = length;
    if (oldEnd === head && newEnd === head) return;
    const next = before[oldEnd]?.node ?? this.#end;
    for (const drawn of before.slice(head, oldEnd)) {
      if (shrank) drawn.node.remove();
      else this.#spend(drawn);
    }
    const made = pieces.slice(head, newEnd).map(({ text, kind }): Drawn => {
      const node = document.createElement("span");
      return { node, letters: new Letters(node, text), kind, className: "" };
    });
    const batch = document.createDocumentFragment();
    batch.append(...made.map(({ node }) => node));
    this.#root.insertBefore(batch, next);
    this.#drawn = [...before.slice(0, head), ...made, ...before.slice(oldEnd)];
  }

  /** A letter that is cut off now, or one that a mark was added to, while the text grows: its node is emptied and stays. */
  #spend(drawn: Drawn): void {
    drawn.letters.text = "";
    drawn.node.className = "";
    for (const mark of ["here", "hover", "query"] satisfies Mark[]) delete drawn.node.dataset[mark];
    this.#spent.push(drawn.node);
  }
}

function classOf(piece: Piece, levelOf: (cell: Cell) => number | null): string {
  if (piece.kind === "run") return `run ${piece.fate}`;
  const level = levelOf(piece);
  const white = WHITE[piece.text] ?? (ZERO_WIDTH.test(piece.text) ? "invisible" : "");
  const below = level !== null && level < 0 ? "below" : "";
  return ["cell", piece.fate, white, below, level === null ? "" : glowClass(level)].filter(Boolean).join(" ");
}
