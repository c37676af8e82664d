/** README.md with the table of layers that follows from the built engine, the converted fixtures and tests/engine/refused.json. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { layerTable, withTable } from "./layer_table.mjs";
import { FIXTURE_BUNDLES, FIXTURES, ROOT } from "./paths.mjs";

/** What is refused, and why, for people; tests/engine/refusal_test.cpp tries each of them. */
const REFUSED = join(ROOT, "tests", "engine", "refused.json");

/** @param {Buffer} bundle of the binary form @returns {any} the architecture in it; null where it has none */
function architecture(bundle) {
  const header = JSON.parse(bundle.toString("utf8", 8, 8 + Number(bundle.readBigUInt64LE(0))));
  const { model_config: config } = header.__metadata__;
  return config === undefined ? null : JSON.parse(config);
}

/** @param {string} readme @param {import("../../wasm/engine.d.ts").Engine} engine @returns {string} */
export function readmeWithTable(readme, engine) {
  const runs = (/** @type {Buffer} */ bundle, /** @type {string} */ name) => {
    try {
      engine.open(bundle, name).delete();
      return true;
    } catch (error) {
      if (error instanceof Error && error.name === "EngineError") return false;
      throw error;
    }
  };
  const fixtures = readdirSync(FIXTURE_BUNDLES, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name: generation }) =>
      readdirSync(join(FIXTURE_BUNDLES, generation)).flatMap((file) => {
        const name = `${generation}/${file.replace(/\.safetensors$/, "")}`;
        const bundle = readFileSync(join(FIXTURE_BUNDLES, generation, file));
        // What the weights of these are of is not in the bundle.
        const truth = join(FIXTURES, name, "truth.json");
        const config = existsSync(truth) ? JSON.parse(readFileSync(truth, "utf8")) : architecture(bundle);
        return config && runs(bundle, name) ? [{ generation, config }] : [];
      }),
    );
  const registry = { layers: engine.layers(), isHarmless: (/** @type {string} */ option) => engine.isHarmless(option) };
  return withTable(readme, layerTable(fixtures, registry, JSON.parse(readFileSync(REFUSED, "utf8"))));
}
