/**
 * Draws the text behind the (transparent) textarea: an inline element for each piece, in one flow, so that it wraps as
 * the textarea's own text does. Nodes are reused: a keystroke touches what it changed.
 */
import type { Cell, Piece } from "../model/cells.ts";
import { glowClass } from "./glow.ts";

interface Drawn {
  node: HTMLSpanElement;
  text: string;
  kind: Piece["kind"];
  className: string;
}

const WHITE: Record<string, string> = { " ": "space", "\u00a0": "space nbsp", "\n": "newline", "\t": "tab" };
/** Characters that take no room, bidirectional controls among them; a joiner inside a grapheme is not alone. */
const ZERO_WIDTH = /^[\p{Cf}\p{Cc}\u2028\u2029]+$/u;

export class Mirror {
  readonly #root: HTMLElement;
  #drawn: Drawn[] = [];
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

  /** Makes the nodes agree with the pieces' texts; colours are `show`'s business. */
  #patch(pieces: readonly Piece[]): void {
    const before = this.#drawn;
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
    if (oldEnd === head && newEnd === head) return;
    const next = before[oldEnd]?.node ?? this.#end;
    for (let i = head; i < oldEnd; i++) before[i]!.node.remove();
    const made = pieces.slice(head, newEnd).map(({ text, kind }): Drawn => {
      const node = document.createElement("span");
      node.textContent = text;
      return { node, text, kind, className: "" };
    });
    const batch = document.createDocumentFragment();
    batch.append(...made.map(({ node }) => node));
    this.#root.insertBefore(batch, next);
    this.#drawn = [...before.slice(0, head), ...made, ...before.slice(oldEnd)];
  }
}

function retext(drawn: Drawn, text: string): void {
  if (drawn.text === text) return;
  drawn.node.textContent = text;
  drawn.text = text;
}

function classOf(piece: Piece, levelOf: (cell: Cell) => number | null): string {
  if (piece.kind === "run") return `run ${piece.fate}`;
  const level = levelOf(piece);
  const white = WHITE[piece.text] ?? (ZERO_WIDTH.test(piece.text) ? "invisible" : "");
  return ["cell", piece.fate, white, level === null ? "" : glowClass(level)].filter(Boolean).join(" ");
}
