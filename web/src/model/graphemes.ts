/** Text cut into user-perceived characters (extended grapheme clusters, Unicode UAX #29). */

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** Text in which every UTF-16 unit is a grapheme of its own: printable ASCII and line feeds (CR LF is one cluster). */
const SIMPLE = /^[\n\x20-\x7e]*$/;

/** The graphemes of `text`, in logical order; joined they are `text` again. */
export function graphemes(text: string): string[] {
  if (SIMPLE.test(text)) return text.split("");
  const parts: string[] = [];
  for (const { segment } of segmenter.segment(text)) parts.push(segment);
  return parts;
}

/** Characters that neither begin nor continue a cluster with another of them: printable ASCII, kana, ideographs, Hangul syllables. */
const APART = /[\x20-\x7e\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3]/;

/** Whether a grapheme surely begins at this UTF-16 offset, by its two neighbours alone; false also where it may. */
export function isSureBreak(text: string, at: number): boolean {
  return at <= 0 || at >= text.length || (APART.test(text[at - 1]!) && APART.test(text[at]!));
}

/**
 * A place at or before (`step` -1) or at or after (`step` 1) the UTF-16 offset at which a grapheme surely begins, found
 * without looking at the rest of the text: see isSureBreak.
 */
export function sureBreak(text: string, offset: number, step: -1 | 1): number {
  let at = offset;
  while (!isSureBreak(text, at)) at += step;
  return at;
}

/**
 * Letters that run from right to left (Hebrew to Arabic's extensions, their presentation forms, and by their first surrogates all
 * planes' others) and the controls of direction. Text without them runs from left to right, whatever it is.
 */
const DIRECTED = /[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc\ud802\ud803\ud83a\ud83b]/;

/** Whether the text may have lines, or parts of lines, that run from right to left. */
export function mayRunLeft(text: string): boolean {
  return DIRECTED.test(text);
}

/** Number of code points of `text`; a lone surrogate counts as one, as it does for the engine. */
export function codePointCount(text: string): number {
  // A book is asked about with every key; most of them have no surrogates at all.
  if (!/[\ud800-\udfff]/.test(text)) return text.length;
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** "U+0041", or several of them for a grapheme of several code points. */
export function codePointNames(text: string): string {
  return Array.from(text, (point) => "U+" + point.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")).join(" ");
}

const INVISIBLE_NAMES: Record<string, string> = {
  " ": "space",
  "\n": "line break",
  "\t": "tab",
  "\r": "carriage return",
  "\u0000": "null",
  "\u00a0": "no-break space",
  "\u00ad": "soft hyphen",
  "\u200b": "zero-width space",
  "\u200c": "zero-width non-joiner",
  "\u200d": "zero-width joiner",
  "\u200e": "left-to-right mark",
  "\u200f": "right-to-left mark",
  "\u2028": "line separator",
  "\u2029": "paragraph separator",
  "\ufeff": "byte order mark",
};

/** Controls, format characters (bidirectional controls among them), separators and lone surrogates leave no mark on paper. */
const INVISIBLE = /^[\p{Cc}\p{Cf}\p{Z}\p{Cs}]+$/u;

/** How to write a grapheme in a sentence: in quotes, or by its name where it would not be seen. */
export function spoken(text: string): string {
  if (!INVISIBLE.test(text)) return `\u201c${text}\u201d`;
  return INVISIBLE_NAMES[text] ?? codePointNames(text);
}
