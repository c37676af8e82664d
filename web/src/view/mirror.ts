/**
 * Draws the text behind the (transparent) textarea: an inline element for each piece, in one flow, so that it wraps as
 * the textarea's own text does. Nodes are reused: a keystroke touches what it changed, and where the text grows none is
 * removed (see setText in dom.ts for why).
 */
import type { Cell, Piece } from "../model/cells.ts";
import { glowClass } from "./glow.ts";

interface Drawn {
  node: HTMLSpanElement;
  letters: Text;
  text: string;
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
  /** A line break at the very end makes a line of its own only if something follows it. */
  readonly #end = document.createTextNode("\u200b");

  constructor(root: HTMLElement) {
    this.#root = root;
    root.append(this.#end);
  }

  /** `levelOf` gives a cell's colour level, null for a cell without attention. */
  show(pieces: readonly Piece[], levelOf: (cell: Cell) => number | null): void {
    this.#patch(pieces);
    for (const [i, piece] of pieces.entries()) {
      const drawn = this.#drawn[i]!;
      const className = classOf(piece, levelOf);
      if (drawn.className !== className) drawn.node.className = drawn.className = className;
    }
  }

  /** Index of the piece that is drawn under a point of the viewport, -1 for none. */
  indexAt(x: number, y: number): number {
    for (const element of document.elementsFromPoint(x, y)) {
      if (element.parentNode !== this.#root) continue;
      return this.#drawn.findIndex(({ node }) => node === element);
    }
    return -1;
  }

  node(index: number): HTMLElement | undefined {
    return this.#drawn[index]?.node;
  }

  /** Puts a mark on these pieces and takes it off all others. */
  mark(mark: Mark, indices: readonly number[]): void {
    const before = this.#marked.get(mark);
    const now = new Set(indices.flatMap((index) => this.#drawn[index]?.node ?? []));
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
    const same = (i: number, j: number) => before[i]!.text === pieces[j]!.text && before[i]!.kind === pieces[j]!.kind;
    // A run that grew or shrank (the part that is cut off, at either end) keeps its node.
    const sameRun = (i: number, j: number) => before[i]!.kind === "run" && pieces[j]!.kind === "run";
    while (head < oldEnd && head < newEnd && (same(head, head) || sameRun(head, head))) {
      retext(before[head]!, pieces[head]!.text);
      head++;
    }
    while (oldEnd > head && newEnd > head && (same(oldEnd - 1, newEnd - 1) || sameRun(oldEnd - 1, newEnd - 1))) {
      retext(before[--oldEnd]!, pieces[--newEnd]!.text);
    }
    // What differs takes the nodes that stand there, one for one.
    for (; head < oldEnd && head < newEnd; head++) {
      retext(before[head]!, pieces[head]!.text);
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
      const letters = document.createTextNode(text);
      node.append(letters);
      return { node, letters, text, kind, className: "" };
    });
    const batch = document.createDocumentFragment();
    batch.append(...made.map(({ node }) => node));
    this.#root.insertBefore(batch, next);
    this.#drawn = [...before.slice(0, head), ...made, ...before.slice(oldEnd)];
  }

  /** A letter that is cut off now, or one that a mark was added to, while the text grows: its node is emptied and stays. */
  #spend(drawn: Drawn): void {
    retext(drawn, "");
    drawn.node.className = "";
    for (const mark of ["here", "hover", "query"] satisfies Mark[]) delete drawn.node.dataset[mark];
    this.#spent.push(drawn.node);
  }
}

function retext(drawn: Drawn, text: string): void {
  if (drawn.text === text) return;
  drawn.letters.data = text;
  drawn.text = text;
}

function classOf(piece: Piece, levelOf: (cell: Cell) => number | null): string {
  if (piece.kind === "run") return `run ${piece.fate}`;
  const level = levelOf(piece);
  const white = WHITE[piece.text] ?? (ZERO_WIDTH.test(piece.text) ? "invisible" : "");
  const below = level !== null && level < 0 ? "below" : "";
  return ["cell", piece.fate, white, below, level === null ? "" : glowClass(level)].filter(Boolean).join(" ");
}
