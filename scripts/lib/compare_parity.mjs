/**
 * Keras against Keras: the numbers of a fixture as they are committed, and as the same Keras computes them now. Pure.
 *
 * Ids, texts, names and shapes must be equal; numbers within the tolerances that the engine itself is held to
 * (scripts/FORMAT.md, section 6; for gradients scripts/fixtures/README.md), since another processor rounds sums differently.
 */
import { isDeepStrictEqual } from "node:util";

/** How far a number may be off, and what that is relative to. @typedef {[number, (x: number) => number]} Tolerance */

/** @param {number} x */
const toSize = (x) => Math.max(1, Math.abs(x));
const absolute = () => 1;

/** Member of a parity case: its tolerance. @type {Record<string, Tolerance>} */
const MEMBERS = { outputs: [1e-5, toSize], layers: [1e-5, toSize], signals: [1e-5, toSize], attention: [1e-6, absolute] };

/** Of a gradient, relative to the largest number of its tensor, or to SMALL where all are smaller. */
const [GRADIENT, SMALL] = [1e-4, 1e-2];

/** At most this many differences are told of one fixture. */
const TOLD = 5;

/** @param {Record<string, unknown>} object @param {string[]} keys */
const without = (object, keys) => Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));

/** @param {unknown} value */
const told = (value) => {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};

/**
 * @param {any} committed {"shape", "values"} @param {any} fresh @param {string} where @param {Tolerance} tolerance
 * @returns {string[]}
 */
function compareArrays(committed, fresh, where, [tolerance, scale]) {
  if (!isDeepStrictEqual(committed.shape, fresh?.shape)) return [`${where}, shape: expected ${told(committed.shape)}, found ${told(fresh?.shape)}`];
  if (committed.values.length !== fresh.values.length) {
    return [`${where}: expected ${committed.values.length} numbers, found ${fresh.values.length}`];
  }
  /** What is no number is infinitely far off. @param {number} i */
  const off = (i) => {
    const [old, now] = [committed.values[i], fresh.values[i]];
    if (!Number.isFinite(now)) return Infinity;
    return Math.abs(now - old) / scale(old);
  };
  const distances = committed.values.map((/** @type {unknown} */ _, /** @type {number} */ i) => off(i));
  const worst = distances.indexOf(Math.max(0, ...distances));
  if (!distances.length || distances[worst] <= tolerance) return [];
  return [`${where}, number ${worst}: expected ${committed.values[worst]}, found ${fresh.values[worst]}`];
}

/** @param {any} committed one member of `cases` @param {any} fresh @returns {string[]} */
function compareCases(committed, fresh) {
  const where = `"${committed.name}"`;
  const found = [];
  const numbers = [...Object.keys(MEMBERS), "input"];
  for (const key of new Set([...Object.keys(committed), ...Object.keys(fresh)])) {
    if (numbers.includes(key) || isDeepStrictEqual(committed[key], fresh[key])) continue;
    found.push(`${where}, ${key}: expected ${told(committed[key])}, found ${told(fresh[key])}`);
  }
  if (committed.input || fresh.input) found.push(...compareArrays(committed.input ?? {}, fresh.input, `${where}, input`, [0, absolute]));
  for (const [member, tolerance] of Object.entries(MEMBERS)) {
    found.push(...compareNamed(committed[member] ?? {}, fresh[member] ?? {}, `${where}, ${member}`, () => tolerance));
  }
  return found;
}

/**
 * @param {Record<string, any>} committed {name: {"shape", "values"}} @param {Record<string, any>} fresh @param {string} where
 * @param {(array: any) => Tolerance} toleranceOf of a committed array
 * @returns {string[]}
 */
function compareNamed(committed, fresh, where, toleranceOf) {
  const names = [Object.keys(committed).sort(), Object.keys(fresh).sort()];
  return [
    ...(isDeepStrictEqual(names[0], names[1]) ? [] : [`${where}: expected ${told(names[0])}, found ${told(names[1])}`]),
    ...Object.entries(committed).flatMap(([name, array]) =>
      fresh[name] ? compareArrays(array, fresh[name], `${where}, ${name}`, toleranceOf(array)) : [],
    ),
  ];
}

/** Which Keras made them. @param {any} committed @param {any} fresh @returns {string[]} */
function compareVersions(committed, fresh) {
  return ["keras", "backend"].flatMap((key) => {
    const [old, now] = [committed.made_with[key], fresh.made_with[key]];
    return old === now ? [] : [`made_with, ${key}: expected ${told(old)}, found ${told(now)}`];
  });
}

/** @param {string[]} found @returns {string[]} some of them, and how many more there are */
const some = (found) => (found.length > TOLD ? [...found.slice(0, TOLD), `and ${found.length - TOLD} more differences`] : found);

/**
 * @param {any} committed a parity.json @param {any} fresh
 * @returns {string[]} what differs, as sentences; none where nothing does
 */
export function differences(committed, fresh) {
  const found = compareVersions(committed, fresh);
  if (!isDeepStrictEqual(without(committed, ["made_with", "cases"]), without(fresh, ["made_with", "cases"]))) {
    found.push(`members: expected ${told(Object.keys(committed))}, found ${told(Object.keys(fresh))}`);
  }
  if (committed.cases.length !== fresh.cases.length) {
    found.push(`expected ${committed.cases.length} cases, found ${fresh.cases.length}`);
  }
  for (const [index, one] of committed.cases.entries()) {
    if (fresh.cases[index]) found.push(...compareCases(one, fresh.cases[index]));
  }
  return some(found);
}

/**
 * @param {any} committed a gradients.json @param {any} fresh
 * @returns {string[]} what differs, as sentences; none where nothing does
 */
export function gradientDifferences(committed, fresh) {
  const found = compareVersions(committed, fresh);
  const [old, now] = [committed, fresh].map((one) => without(one, ["made_with", "gradients"]));
  if (!isDeepStrictEqual(old, now)) found.push(`case and independent tensors: expected ${told(old)}, found ${told(now)}`);
  found.push(
    ...compareNamed(committed.gradients, fresh.gradients, "gradients", ({ values }) => {
      const size = values.reduce((/** @type {number} */ most, /** @type {number} */ x) => Math.max(most, Math.abs(x)), SMALL);
      return [GRADIENT, () => size];
    }),
  );
  return some(found);
}
