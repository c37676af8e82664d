/**
 * Keras against Keras: the numbers of a fixture as they are committed, and as the same Keras computes them now. Pure.
 *
 * Ids, texts, names and shapes must be equal; numbers within the tolerances that the engine itself is held to
 * (scripts/FORMAT.md, section 6), since another processor rounds sums differently.
 */
import { isDeepStrictEqual } from "node:util";

/** Member of a parity case: [tolerance, whether it is relative to max(1, |x|)]. @type {Record<string, [number, boolean]>} */
const MEMBERS = { outputs: [1e-5, true], layers: [1e-5, true], signals: [1e-5, true], attention: [1e-6, false] };

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
 * @param {any} committed {"shape", "values"} @param {any} fresh @param {string} where @param {[number, boolean]} tolerance
 * @returns {string[]}
 */
function compareArrays(committed, fresh, where, [tolerance, relative]) {
  if (!isDeepStrictEqual(committed.shape, fresh?.shape)) return [`${where}, shape: expected ${told(committed.shape)}, found ${told(fresh?.shape)}`];
  if (committed.values.length !== fresh.values.length) {
    return [`${where}: expected ${committed.values.length} numbers, found ${fresh.values.length}`];
  }
  /** What is no number is infinitely far off. @param {number} i */
  const off = (i) => {
    const [old, now] = [committed.values[i], fresh.values[i]];
    if (!Number.isFinite(now)) return Infinity;
    return Math.abs(now - old) / (relative ? Math.max(1, Math.abs(old)) : 1);
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
  if (committed.input || fresh.input) found.push(...compareArrays(committed.input ?? {}, fresh.input, `${where}, input`, [0, false]));
  for (const [member, tolerance] of Object.entries(MEMBERS)) {
    const [old, now] = [committed[member] ?? {}, fresh[member] ?? {}];
    const names = [Object.keys(old).sort(), Object.keys(now).sort()];
    if (!isDeepStrictEqual(names[0], names[1])) found.push(`${where}, ${member}: expected ${told(names[0])}, found ${told(names[1])}`);
    for (const name of Object.keys(old)) {
      if (now[name]) found.push(...compareArrays(old[name], now[name], `${where}, ${member}, ${name}`, tolerance));
    }
  }
  return found;
}

/**
 * @param {any} committed a parity.json @param {any} fresh
 * @returns {string[]} what differs, as sentences; none where nothing does
 */
export function differences(committed, fresh) {
  const found = [];
  for (const key of ["keras", "backend"]) {
    const [old, now] = [committed.made_with[key], fresh.made_with[key]];
    if (old !== now) found.push(`made_with, ${key}: expected ${told(old)}, found ${told(now)}`);
  }
  if (!isDeepStrictEqual(without(committed, ["made_with", "cases"]), without(fresh, ["made_with", "cases"]))) {
    found.push(`members: expected ${told(Object.keys(committed))}, found ${told(Object.keys(fresh))}`);
  }
  if (committed.cases.length !== fresh.cases.length) {
    found.push(`expected ${committed.cases.length} cases, found ${fresh.cases.length}`);
  }
  for (const [index, one] of committed.cases.entries()) {
    if (fresh.cases[index]) found.push(...compareCases(one, fresh.cases[index]));
  }
  return found.length > TOLD ? [...found.slice(0, TOLD), `and ${found.length - TOLD} more differences`] : found;
}
