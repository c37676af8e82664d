/**
 * Where a model's input ends in a text that is longer, before the engine has said so. A guess that is right is laid out once: what
 * the answer changes then is colours.
 */
import type { TextEncoding } from "#engine";
import type { Cell, Piece } from "./cells.ts";
import { codePointCount, isSureBreak } from "./graphemes.ts";

/** `length` null: room for any text. */
export type Room = Pick<TextEncoding, "length" | "truncating" | "start">;

/** Timesteps that a cell takes; of a new one as many as it has code points, all of which are read, as far as one can know. */
const stepsOf = ({ fate, steps, text }: Cell): number => (fate === "pending" ? codePointCount(text) : steps.length);

/**
 * Pieces of a text of characters that was changed: what does not fit any more goes to the run that is cut off, and where there is
 * room again the run gives characters back.
 */
export function fitted(pieces: readonly Piece[], { length, truncating, start }: Room): Piece[] {
  if (length === null) return [...pieces];
  const atFront = truncating === "pre";
  const inner = atFront ? [...pieces].reverse() : [...pieces];
  // From the inside out, whichever side is out: beyond what is cut off all is.
  const first = inner.findIndex((piece) => piece.kind === "run" && piece.fate === "cut");
  const beyond = first < 0 ? [] : inner.splice(first);
  let run = (atFront ? beyond.reverse() : beyond).map(({ text }) => text).join("");
  const room = length - (start === null ? 0 : 1);
  let free = room;
  for (const piece of inner) {
    // Of a part that nothing is known about nothing can be counted.
    if (piece.kind === "run") return [...pieces];
    free -= stepsOf(piece);
  }
  while (free < 0 && inner.length > 0) {
    const cell = inner.at(-1) as Cell;
    // A grapheme that is read in part stays a cell.
    if (free + stepsOf(cell) > 0) break;
    free += stepsOf(cell);
    run = atFront ? run + cell.text : cell.text + run;
    inner.pop();
  }
  while (free > 0 && run !== "") {
    const at = atFront ? run.length - 1 : 1;
    if (!isSureBreak(run, at)) break;
    const [text, rest] = atFront ? [run.slice(at), run.slice(0, at)] : [run.slice(0, at), run.slice(at)];
    inner.push({ kind: "cell", text, fate: "pending", steps: [], ids: [], weight: null });
    run = rest;
    free--;
  }
  if (run !== "") inner.push({ kind: "run", text: run, fate: "cut" });
  return atFront ? inner.reverse() : inner;
}
