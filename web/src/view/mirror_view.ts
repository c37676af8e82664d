/** Which part of a long text is in view, so that only that much of it is drawn character by character. */
import type { Piece } from "../model/cells.ts";
import type { Letters } from "./letters.ts";

/** So many pieces are drawn one by one at most; a text of fewer always is. */
export const CELLS_DRAWN = 5000;
/** UTF-16 units around what is in view that are drawn with it: one scrolls before the next frame. */
const MARGIN = 800;

/** [first, end) of the pieces. */
export interface Part {
  first: number;
  end: number;
}

/** What scrolls the element: itself or something around it. */
export function scrollerOf(element: HTMLElement): HTMLElement {
  for (let at: HTMLElement | null = element; at; at = at.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(at).overflowY)) return at;
  }
  return document.documentElement;
}

/**
 * The UTF-16 units that are in view within the element that scrolls, and somewhat more: as exactly as there are text nodes.
 * Lines follow each other downwards, so that the nodes' places need only be asked for where they are halved.
 */
export function inView(scroller: HTMLElement, letters: readonly Letters[]): [from: number, to: number] {
  const nodes = letters.flatMap((one) => one.nodes).filter(({ length }) => length > 0);
  if (nodes.length === 0) return [0, 0];
  const { top, bottom } = scroller.getBoundingClientRect();
  const range = document.createRange();
  const boxOf = (index: number): DOMRect => {
    range.selectNodeContents(nodes[index]!);
    return range.getBoundingClientRect();
  };
  const first = firstIndex(nodes.length, (index) => boxOf(index).bottom >= top);
  const last = firstIndex(nodes.length, (index) => boxOf(index).top > bottom);
  const lengthOf = (end: number) => nodes.slice(0, end).reduce((sum, { length }) => sum + length, 0);
  return [lengthOf(Math.min(first, nodes.length - 1)), lengthOf(Math.max(first + 1, last))];
}

/** The first of `count` indices for which this holds, if it holds for all after it; `count` where it holds for none. */
function firstIndex(count: number, holds: (index: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The pieces to draw for what is in view, in UTF-16 units: those that are drawn, where they are enough. At most CELLS_DRAWN. */
export function aroundView(pieces: readonly Piece[], [from, to]: readonly [number, number], drawn: Part): Part {
  const place = (offset: number): number => {
    let at = 0;
    for (const [index, { text }] of pieces.entries()) {
      at += text.length;
      if (at > offset) return index;
    }
    return pieces.length;
  };
  const [begin, end] = [place(from), place(to)];
  if (drawn.first <= begin && drawn.end >= end) return drawn;
  const first = place(Math.max(0, from - MARGIN));
  return { first, end: Math.min(first + CELLS_DRAWN, Math.max(first + 1, place(to + MARGIN))) };
}
