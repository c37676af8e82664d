// What the tests of the WebAssembly engine share.

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import * as paths from "../../scripts/lib/paths.mjs";

// `npm run test:keras` points these to fixtures that Keras has just made.
const { CHARGLOW_FIXTURES: FIXTURES = paths.FIXTURES, CHARGLOW_FIXTURE_BUNDLES: FIXTURE_BUNDLES = paths.FIXTURE_BUNDLES } = process.env;

export const SAMPLE = join(paths.PUBLIC_MODELS, "sms-spam.safetensors");

/** Names of all converted fixtures, such as "keras-2.15/classic". */
export function fixtureNames() {
  return readdirSync(FIXTURE_BUNDLES, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => readdirSync(join(FIXTURE_BUNDLES, name)).map((file) => `${name}/${file.replace(".safetensors", "")}`))
    .sort();
}

export function fixtureBytes(name) {
  return readFileSync(join(FIXTURE_BUNDLES, `${name}.safetensors`));
}

/** Keras's own numbers for a fixture. */
export function kerasNumbers(name) {
  const file = join(FIXTURES, name, "parity.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : null;
}

/** A fixture; of weights alone, which do not say it, with the timesteps that its texts were padded to. */
export function openAsFitted(engine, name, cases) {
  const model = engine.open(fixtureBytes(name), name);
  const asked = model.card.assumptions.some(({ id, open }) => id === "timesteps" && open);
  const text = cases.find((one) => one.text !== undefined);
  return asked && text ? engine.open(fixtureBytes(name), name, { timesteps: String(text.ids[0].length) }) : model;
}

/** The problems of what `work` throws; fails where it throws nothing, or something that is no EngineError. */
export function problemsOf(work) {
  try {
    work();
  } catch (error) {
    if (error.name !== "EngineError") throw error;
    return error.problems;
  }
  throw new Error("expected an EngineError, nothing was thrown");
}
