/**
 * The text of one element, as one text node or, where it is long, as several: browsers shape and break all that flows together
 * anew when a letter of it changes, which for a book takes longer than a key should. A part that begins and ends with a line is a
 * block of its own, which nothing around it touches. Where the text grows no node is removed (see setText in dom.ts for why).
 */
import { isSureBreak, sureBreak } from "../model/graphemes.ts";

/** UTF-16 units in a part, about. */
const CHUNK = 1024;

interface Part {
  letters: Text;
  /** Around the letters; null for a text of one part. */
  box: HTMLElement | null;
}

export class Letters {
  readonly #parent: HTMLElement;
  #parts: Part[];
  #text: string;

  /** Puts the text into an element that is empty. */
  constructor(parent: HTMLElement, text: string) {
    this.#parent = parent;
    this.#text = text;
    const [first, ...others] = chunksOf(text);
    const letters = document.createTextNode(first!);
    parent.append(letters);
    this.#parts = [{ letters, box: null }];
    if (others.length > 0) this.#insert(others, 1);
  }

  get text(): string {
    return this.#text;
  }

  set text(text: string) {
    if (text === this.#text) return;
    const grows = text.length >= this.#text.length;
    this.#text = text;
    const parts = this.#parts;
    if (parts.length === 1 && text.length <= 2 * CHUNK) {
      parts[0]!.letters.data = text;
      return;
    }
    const data = (index: number) => parts[index]!.letters.data;
    // The first part is always there.
    let [head, from] = [0, 0];
    while (head < parts.length && text.startsWith(data(head), from)) from += data(head++).length;
    let [tail, to] = [parts.length, text.length];
    while (tail > Math.max(head, 1) && to - data(tail - 1).length >= from && text.endsWith(data(tail - 1), to)) to -= data(--tail).length;
    // What was put between two parts, or goes on with the grapheme that one of them ended with, belongs to the one before.
    const begins = () => text[from - 1] === "\n" || isSureBreak(text, from);
    if (head > 0 && from < to && (head === tail || !begins())) from -= data(--head).length;
    const chunks = from < to || head === 0 ? chunksOf(text.slice(from, to)) : [];
    const kept = Math.min(chunks.length, tail - head);
    for (let i = 0; i < kept; i++) if (data(head + i) !== chunks[i]) parts[head + i]!.letters.data = chunks[i]!;
    const spare = parts.slice(head + kept, tail);
    for (const { letters, box } of spare) {
      if (grows) letters.data = "";
      else (box ?? letters).remove();
    }
    if (!grows) parts.splice(head + kept, spare.length);
    this.#insert(chunks.slice(kept), head + kept);
  }

  /** In the order of the text. */
  get nodes(): readonly Text[] {
    return this.#parts.map(({ letters }) => letters);
  }

  /** Adds parts before the one at this place, and says which of all are blocks. */
  #insert(chunks: readonly string[], at: number): void {
    const made = chunks.map((chunk): Part => {
      const [box, letters] = [document.createElement("span"), document.createTextNode(chunk)];
      box.append(letters);
      return { box, letters };
    });
    const next = this.#parts[at];
    const batch = document.createDocumentFragment();
    batch.append(...made.map(({ box }) => box!));
    this.#parent.insertBefore(batch, next ? (next.box ?? next.letters) : null);
    this.#parts.splice(at, 0, ...made);
    let before = "";
    for (const { box, letters: { data } } of this.#parts) {
      const name = before === "\n" && data.endsWith("\n") ? "lines" : "";
      if (box && box.className !== name) box.className = name;
      before = data.at(-1) ?? before;
    }
  }
}

/** One at least; none ends within a grapheme, and those that can end with a line. */
function chunksOf(text: string): string[] {
  const chunks: string[] = [];
  let from = 0;
  while (text.length - from > 2 * CHUNK) {
    const line = text.indexOf("\n", from + CHUNK) + 1;
    const to = line > 0 && line - from <= 4 * CHUNK ? line : sureBreak(text, from + CHUNK, 1);
    if (to >= text.length) break;
    chunks.push(text.slice(from, to));
    from = to;
  }
  return [...chunks, text.slice(from)];
}
