/** Committed fixtures against those that the same Keras has made just now: folders of tests/fixtures and tests/fixtures-next. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { differences, gradientDifferences } from "./compare_parity.mjs";

/** The folders of a root below which fixtures lie: what the engine runs, and what it does not run yet. */
const PLACES = ["fixtures", "fixtures-next"];

/** @param {string} root @param {string} generation @returns {Map<string, string>} case to its folder */
function casesBelow(root, generation) {
  const folders = PLACES.map((place) => join(root, place, generation)).filter((folder) => existsSync(folder));
  return new Map(
    folders.flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => existsSync(join(folder, name, "parity.json")))
        .map((name) => /** @type {[string, string]} */ ([name, join(folder, name)])),
    ),
  );
}

/** @param {string} file */
const readJson = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : null);

/** What differs between two gradients.json, which a fixture need not have. @param {any} committed @param {any} fresh @returns {string[]} */
function compareGradients(committed, fresh) {
  if (!committed && !fresh) return [];
  if (!committed) return ["gradients.json: expected a committed one, found none: make and commit it"];
  if (!fresh) return ["gradients.json: expected Keras to make it again, found none"];
  return gradientDifferences(committed, fresh).map((text) => `gradients.json: ${text}`);
}

/**
 * @param {string} generation @param {string} committed root folder: tests @param {string} fresh
 * @param {string} output what the script that made them printed, where a case is missing
 * @returns {{name: string, problems: string[]}[]} every case of either; no problems where both are the same
 */
export function compareFixtures(generation, committed, fresh, output) {
  const [old, now] = [casesBelow(committed, generation), casesBelow(fresh, generation)];
  return [...new Set([...old.keys(), ...now.keys()])].sort().map((name) => {
    const [before, after] = [old.get(name), now.get(name)];
    if (!after) {
      const line = output.split("\n").find((text) => text.startsWith(`${name} `));
      return { name, problems: [`expected Keras to make it again, found ${line ? `"${line.trim()}"` : "no such case in the script"}`] };
    }
    if (!before) return { name, problems: ["expected a committed fixture, found none: make and commit it"] };
    const others = ["vocab.json", "text.json"].filter(
      (file) => !isDeepStrictEqual(readJson(join(before, file)), readJson(join(after, file))),
    );
    return {
      name,
      problems: [
        ...others.map((file) => `${file}: expected the committed one, found another`),
        ...differences(readJson(join(before, "parity.json")), readJson(join(after, "parity.json"))),
        ...compareGradients(readJson(join(before, "gradients.json")), readJson(join(after, "gradients.json"))),
      ],
    };
  });
}
