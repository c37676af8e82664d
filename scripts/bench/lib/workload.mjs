/** What the contestants are given: seeded, the same for all of them. */

/**
 * @typedef {import("../runners/host.mjs").Step} Step
 * @typedef {{name: string, steps: number, units: number, embedding: number, unit: "char" | "word", tokens: string[]}} Spec
 */

/** A small generator of numbers from 0 to 1 (mulberry32). @param {number} seed @returns {() => number} */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A step of one text for each of the lists of ids, padded in front as Keras does. @param {Spec} spec @param {number[][]} lists @returns {Step} */
export function stepOf(spec, lists, timed = true) {
  const rows = lists.map((ids) => [...new Array(Math.max(spec.steps - ids.length, 0)).fill(0), ...ids.slice(-spec.steps)]);
  const texts = lists.map((ids) => ids.map((id) => spec.tokens[id - 1]).join(spec.unit === "word" ? " " : ""));
  return { timed, rows, texts };
}

/** The step of rows of Keras's reference: ids padded in front, or numbers. @param {Spec} spec @param {number[][]} rows @returns {Step} */
export function referenceStep(spec, rows) {
  return spec.embedding ? stepOf(spec, rows.map((row) => row.filter((id) => id !== 0))) : { timed: true, rows };
}

/**
 * Texts as long as the model's input, of which no two neighbours (the last and the first too) begin or end alike: nothing of
 * one's recurrence, in either direction, is of use for the next.
 * @param {Spec} spec @param {number} count
 */
export function freshTexts(spec, count, seed = 1) {
  const random = randomFrom(seed);
  if (!spec.embedding) {
    return Array.from({ length: count }, () => ({ timed: true, rows: [Array.from({ length: spec.steps }, () => random() * 2 - 1)] }));
  }
  const id = () => 1 + Math.floor(random() * spec.tokens.length);
  return Array.from({ length: count }, (_, index) => {
    const ids = Array.from({ length: spec.steps }, id);
    ids[0] = 1 + (index % spec.tokens.length);
    ids[spec.steps - 1] = 1 + ((index + 1) % spec.tokens.length);
    return stepOf(spec, [ids]);
  });
}

/**
 * One more token in a text of `length`: timed with it, and untimed without it again, each time another token.
 * @param {Spec} spec @param {"end" | "middle" | "front"} place @param {number} length @param {number} count of timed steps
 */
export function keystrokes(spec, place, length, count, seed = 2) {
  const random = randomFrom(seed);
  const ids = Array.from({ length }, () => 1 + Math.floor(random() * spec.tokens.length));
  const at = { end: length, middle: length >> 1, front: 0 }[place];
  return Array.from({ length: count }, (_, index) => [
    stepOf(spec, [ids], false),
    stepOf(spec, [[...ids.slice(0, at), 1 + ((7 * index) % spec.tokens.length), ...ids.slice(at)]]),
  ]).flat();
}

/** One step of many texts, of 20 tokens and more. @param {Spec} spec @param {number} count */
export function manyTexts(spec, count, seed = 3) {
  const random = randomFrom(seed);
  const shortest = Math.min(20, spec.steps);
  const lists = Array.from({ length: count }, () =>
    Array.from({ length: shortest + Math.floor(random() * (spec.steps - shortest + 1)) }, () => 1 + Math.floor(random() * spec.tokens.length)),
  );
  return stepOf(spec, lists);
}
