// The engines for machines that lack instructions: which of them is chosen, and that they compute the same.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { loadEngine } from "../../scripts/lib/engine.mjs";
import { builtEngines, WASM_BUILD } from "../../scripts/lib/paths.mjs";
import { EngineError, engineFor } from "../../wasm/host.mjs";
import { SAMPLE, fixtureNames, kerasNumbers, openAsFitted } from "./support.mjs";

const ALL = ["engine", "engine-relaxed", "engine-scalar"];
/** Opcodes that a probe must hold for the machine's answer to mean something: i8x16.splat, and one of relaxed SIMD. */
const SPLAT = [0xfd, 0x0f];
const RELAXED = [0xfd, 0x80, 0x02];
const holds = (bytes, part) => bytes.some((_, i) => part.every((byte, k) => bytes[i + k] === byte));
/** A machine with SIMD of this kind. */
const machine = ({ simd, relaxed }) => (bytes) => simd && holds(bytes, SPLAT) && (relaxed || !holds(bytes, RELAXED));

test("the best engine that was built and that the machine runs", () => {
  const modern = machine({ simd: true, relaxed: true });
  const plain = machine({ simd: true, relaxed: false });
  const old = machine({ simd: false, relaxed: false });
  assert.equal(engineFor(ALL, modern), "engine-relaxed");
  assert.equal(engineFor(ALL, plain), "engine");
  assert.equal(engineFor(ALL, old), "engine-scalar");
  assert.equal(engineFor(["engine", "engine-scalar"], modern), "engine");
  assert.equal(engineFor(["engine-scalar"], modern), "engine-scalar");
});

test("none that runs: what was built is named", () => {
  const none = (built) => {
    try {
      engineFor(built, () => false);
    } catch (error) {
      assert.ok(error instanceof EngineError);
      return error.problems[0];
    }
    throw new Error("expected an EngineError, nothing was thrown");
  };
  assert.deepEqual([none(["engine"]).code, none(["engine"]).actual, none([]).actual], ["engine-missing", "engine", "none"]);
});

test("this machine has SIMD, and says so of the probe", () => {
  assert.notEqual(engineFor(ALL), "engine-scalar");
});

test("an engine that was not built is not loaded", async () => {
  await assert.rejects(loadEngine("engine-none"), { code: "engine-missing" });
});

test("engine-scalar is without SIMD, and computes what Keras does: the sample, and fixtures of every generation", async () => {
  assert.ok(builtEngines().includes("engine-scalar"));
  const scalar = await loadEngine("engine-scalar");
  const sizes = new Set(["engine", "engine-scalar"].map((name) => readFileSync(join(WASM_BUILD, `${name}.wasm`)).length));
  assert.equal(sizes.size, 2, "two engines, not one twice");
  const report = scalar.open(readFileSync(SAMPLE), "sms-spam.safetensors").verify();
  assert.ok(report.agrees && report.cases.length > 0, JSON.stringify(report));
  const names = fixtureNames();
  const generations = new Map(names.map((name) => [name.split("/")[0], []]));
  for (const name of names) generations.get(name.split("/")[0]).push(name);
  const chosen = [...generations.values()].flatMap((all) => all.filter((_, i) => i % Math.ceil(all.length / 8) === 0));
  assert.ok(chosen.length > 12, chosen.join());
  for (const name of chosen) {
    const model = openAsFitted(scalar, name, kerasNumbers(name).cases);
    assert.deepEqual(model.verify().cases.filter(({ agrees }) => !agrees), [], name);
    model.delete();
  }
});
