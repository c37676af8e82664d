/**
 * What the editor draws: the text cut into pieces. A *cell* is what the model reads as one thing, a user-perceived
 * character or, for a word-level model, a word, with what the model made of it; a *run* is a stretch of text that the
 * model does not read, as one piece, so that a pasted book costs nothing.
 */
import { Fate, type RunResult, type StepMap, type TextEncoding, type TextMap } from "#engine";
import { codePointCount, graphemes, sureBreak } from "./graphemes.ts";
import { fitted, type Room } from "./room.ts";
import { weightOver } from "./steps.ts";

/** How the engine read one text. */
export type TextRead = Pick<RunResult, "ids" | "padding" | "text">;

/** What to colour a text by: a weight for each step, and which timesteps of the text's input the steps stand for. */
export interface Shading {
  values: Float32Array;
  steps: StepMap;
}

export type Unit = TextEncoding["unit"];

/** What became of a cell as a whole. */
export type CellFate =
  /** All its code points have a timestep. */
  | "read"
  /** Read, but at least one of its code points as the id for unknown tokens. */
  | "unknown"
  /** Some of its code points are read and others are not. */
  | "partly"
  /** Not read: not in the vocabulary, or too rare for num_words. */
  | "dropped"
  /** Not read: a separator or filtered character of a word-level model. */
  | "filtered"
  /** Just typed; the engine has not answered yet. */
  | "pending";

export interface Cell {
  kind: "cell";
  text: string;
  fate: CellFate;
  /** Timesteps it covers, ascending, each once. */
  steps: number[];
  /** The id of each of `steps`. */
  ids: number[];
  /** The weight on it, see weightOver in steps.ts. null where it has none. */
  weight: number | null;
}

export interface Run {
  kind: "run";
  text: string;
  /** "cut": does not fit into the model's input. "plain": no word about it yet. */
  fate: "cut" | "plain";
}

export type Piece = Cell | Run;

/** Pieces as the engine's answer has them. `shading` is null where there is nothing to colour by. */
export function readPieces(text: string, read: TextRead, shading: Shading | null, unit: Unit = "char"): Piece[] {
  const map = read.text;
  if (!map) return text === "" ? [] : [{ kind: "run", text, fate: "plain" }];
  const pieces: Piece[] = [];
  const cut = (part: string) => {
    const last = pieces.at(-1);
    if (last?.kind === "run") last.text += part;
    else if (part !== "") pieces.push({ kind: "run", text: part, fate: "cut" });
  };
  const [begin, end] = window(map);
  // Only what the model reads, and a little around it, is cut into graphemes: a book would take too long on every key.
  const from = sureBreak(text, unitOffset(text, begin), -1);
  const to = sureBreak(text, unitOffset(text, end), 1);
  let codePoint = codePointCount(text.slice(0, from));
  cut(text.slice(0, from));
  for (const grapheme of graphemes(text.slice(from, to))) {
    const first = codePoint;
    for (const _ of grapheme) codePoint++;
    if (codePoint <= begin || first >= end) {
      cut(grapheme);
      continue;
    }
    const cell = readCell(grapheme, map, first, codePoint, read.ids, shading);
    const last = pieces.at(-1);
    if (unit === "word" && last?.kind === "cell" && sameWord(last, cell)) last.text += cell.text;
    else pieces.push(cell);
  }
  cut(text.slice(to));
  return pieces;
}

/** Whether two neighbours are read, or left out, as one word. What separates words stays as it was typed. */
function sameWord(a: Cell, b: Cell): boolean {
  return a.fate !== "filtered" && a.fate === b.fate && a.steps.length === b.steps.length && a.steps.every((step, i) => step === b.steps[i]);
}

/** Where the code point with this index begins, in UTF-16 units. */
function unitOffset(text: string, codePoint: number): number {
  let offset = 0;
  for (let i = 0; i < codePoint && offset < text.length; i++) offset += text.codePointAt(offset)! > 0xffff ? 2 : 1;
  return offset;
}

/**
 * The code points from the model's first to its last, as [begin, end). What lies outside is cut off as a whole, unknown
 * characters among it included. All of the text where nothing is cut off.
 */
function window({ length, fate, position }: TextMap): [begin: number, end: number] {
  let first = 0;
  while (first < length && position[first]! < 0) first++;
  let last = length - 1;
  while (last >= 0 && position[last]! < 0) last--;
  if (first > last) return [0, length];
  const begin = fate.lastIndexOf(Fate.Truncated, first) + 1;
  const end = fate.indexOf(Fate.Truncated, last);
  return [begin, end < 0 ? length : end];
}

function readCell(text: string, map: TextMap, first: number, end: number, ids: Int32Array, shading: Shading | null): Cell {
  const steps: number[] = [];
  let read = 0;
  let asUnknown = 0;
  let filtered = 0;
  for (let i = first; i < end; i++) {
    const fate = map.fate[i];
    if (fate === Fate.Read) read++;
    else if (fate === Fate.UnknownRead) asUnknown++;
    else if (fate === Fate.Filtered) filtered++;
    const position = map.position[i]!;
    // The code points of one word share its timestep, which counts once.
    for (let k = 0; k < map.count[i]!; k++) if (position >= 0 && !steps.includes(position + k)) steps.push(position + k);
  }
  const size = end - first;
  const fate: CellFate =
    read === size ? "read"
    : read + asUnknown === size ? "unknown"
    : read + asUnknown > 0 ? "partly"
    : filtered === size ? "filtered"
    : "dropped";
  const weight = shading && weightOver(shading.values, shading.steps, steps);
  return { kind: "cell", text, fate, steps, ids: steps.map((step) => ids[step]!), weight };
}

/** Longest stretch of new text that is cut into cells before the engine has said which of it the model reads. */
const GUESS_LIMIT = 1000;

/**
 * Pieces for a text that the engine has not answered yet: what did not change keeps its piece (and its colour, so that
 * nothing flickers), what is new is pending. `room` is what the model's input has for a text of characters.
 */
export function guessPieces(text: string, before: readonly Piece[], unit: Unit = "char", room: Room | null = null): Piece[] {
  let head = 0;
  let headLength = 0;
  while (head < before.length && text.startsWith(before[head]!.text, headLength)) headLength += before[head++]!.text.length;
  // A combining mark or joiner typed after a character belongs to it: that character is cut anew. Not so for a run,
  // which is too long to be cut anew on every key.
  if (head > 0 && headLength < text.length && before[head - 1]!.kind === "cell") headLength -= before[--head]!.text.length;
  let tail = before.length;
  let tailLength = 0;
  while (tail > head) {
    const candidate = before[tail - 1]!.text;
    if (text.length - tailLength - candidate.length < headLength) break;
    if (!text.endsWith(candidate, text.length - tailLength)) break;
    tailLength += candidate.length;
    tail--;
  }
  const middle = text.slice(headLength, text.length - tailLength);
  // A key within what was cut off: that is still what it is, and is not laid out anew for a word that comes back at once.
  const only = tail === head + 1 ? before[head]! : null;
  const changed: Piece[] =
    middle === "" ? []
    : middle.length > GUESS_LIMIT ? [{ kind: "run", text: middle, fate: only?.kind === "run" ? only.fate : "plain" }]
    : guessCells(middle, unit).map((part) => ({ kind: "cell", text: part, fate: "pending", steps: [], ids: [], weight: null }));
  // What is cut anew is most often the same character, or the same word a letter longer: it keeps its colour.
  const redone = before[head];
  if (changed[0] && redone?.kind === "cell" && tail > head) {
    const { text: part } = changed[0];
    if (part === redone.text) changed[0] = redone;
    else if (unit === "word" && part[0] === redone.text[0]) changed[0] = { ...redone, text: part };
  }
  const pieces = [...before.slice(0, head), ...changed, ...before.slice(tail)];
  return room && unit === "char" ? fitted(pieces, room) : pieces;
}

/** Whether so much of the text is new that `guessPieces` leaves it uncut, as nothing of it was before. */
export function changedMuch(text: string, before: readonly Piece[], unit: Unit = "char"): boolean {
  const uncut = (piece: Piece) => piece.kind === "run" && piece.fate === "plain";
  return !before.some(uncut) && guessPieces(text, before, unit).some(uncut);
}

/** Text cut into what is going to be cells: for words a guess, since what separates them is the engine's to say. */
function guessCells(text: string, unit: Unit): string[] {
  if (unit === "char") return graphemes(text);
  return (text.match(/\s+|\S+/gu) ?? []).flatMap((part) => (/\s/u.test(part) ? graphemes(part) : [part]));
}

/** The weights on screen. */
export function weightsOf(pieces: readonly Piece[]): number[] {
  const weights: number[] = [];
  for (const piece of pieces) if (piece.kind === "cell" && piece.weight !== null) weights.push(piece.weight);
  return weights;
}

/** 1 for the largest weight; cells of equal weight share their rank. */
export function rankOf(weight: number, weights: readonly number[]): number {
  let rank = 1;
  for (const other of weights) if (other > weight) rank++;
  return rank;
}

/** The piece that holds the UTF-16 unit at `offset`, with where it starts. undefined past the end of the text. */
export function pieceAt(pieces: readonly Piece[], offset: number): { index: number; start: number } | undefined {
  let start = 0;
  for (const [index, piece] of pieces.entries()) {
    if (offset < start + piece.text.length) return { index, start };
    start += piece.text.length;
  }
  return undefined;
}
