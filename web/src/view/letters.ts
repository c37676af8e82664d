/**
 * The text of one element, as one text node or, where it is long, as several: browsers shape the letters of a whole node anew
 * when one of them changes, which for a book takes longer than a key should. Where the text grows no node is removed (see
 * setText in dom.ts for why).
 */
import { isSureBreak, sureBreak } from "../model/graphemes.ts";

/** UTF-16 units in a node, about. */
const CHUNK = 1024;

export class Letters {
  readonly #parent: HTMLElement;
  #nodes: Text[];
  #text: string;

  /** Puts the text into an element that is empty. */
  constructor(parent: HTMLElement, text: string) {
    this.#parent = parent;
    this.#text = text;
    this.#nodes = chunksOf(text).map((part) => document.createTextNode(part));
    parent.append(...this.#nodes);
  }

  get text(): string {
    return this.#text;
  }

  set text(text: string) {
    if (text === this.#text) return;
    const grows = text.length >= this.#text.length;
    this.#text = text;
    const nodes = this.#nodes;
    if (nodes.length === 1 && text.length <= 2 * CHUNK) {
      nodes[0]!.data = text;
      return;
    }
    let [head, from] = [0, 0];
    while (head < nodes.length && text.startsWith(nodes[head]!.data, from)) from += nodes[head++]!.length;
    let [tail, to] = [nodes.length, text.length];
    while (tail > head && to - nodes[tail - 1]!.length >= from && text.endsWith(nodes[tail - 1]!.data, to)) to -= nodes[--tail]!.length;
    // What was put between two nodes, or goes on with the grapheme that one of them ended with, belongs to the one before.
    if (head > 0 && from < to && (head === tail || !isSureBreak(text, from))) from -= nodes[--head]!.length;
    const parts = from < to ? chunksOf(text.slice(from, to)) : [];
    const changed = nodes.slice(head, tail);
    const spare = changed.splice(Math.min(parts.length, changed.length));
    for (const [i, node] of changed.entries()) if (node.data !== parts[i]) node.data = parts[i]!;
    const made = parts.slice(changed.length).map((part) => document.createTextNode(part));
    const batch = document.createDocumentFragment();
    batch.append(...made);
    this.#parent.insertBefore(batch, spare[0] ?? nodes[tail] ?? null);
    for (const node of spare) {
      if (grows) node.data = "";
      else node.remove();
    }
    this.#nodes = [...nodes.slice(0, head), ...changed, ...made, ...(grows ? spare : []), ...nodes.slice(tail)];
    if (this.#nodes.length === 0) this.#parent.append((this.#nodes = [document.createTextNode("")])[0]!);
  }

  /** In the order of the text. */
  get nodes(): readonly Text[] {
    return this.#nodes;
  }
}

/** One at least; none ends within a grapheme. */
function chunksOf(text: string): string[] {
  const parts: string[] = [];
  let from = 0;
  while (text.length - from > 2 * CHUNK) {
    const to = sureBreak(text, from + CHUNK, 1);
    if (to >= text.length) break;
    parts.push(text.slice(from, to));
    from = to;
  }
  return [...parts, text.slice(from)];
}
