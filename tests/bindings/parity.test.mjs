// The WebAssembly engine against Keras: every number of every fixture, texts through the host's own lower-casing.

import assert from "node:assert/strict";
import { test } from "node:test";

import { loadEngine } from "../../scripts/lib/engine.mjs";
import { fixtureNames, kerasNumbers, openAsFitted } from "./support.mjs";

const engine = await loadEngine();

/** Largest difference between two lists of numbers, relative to max(1, |expected|) or absolute. */
function difference(actual, expected, relative) {
  assert.equal(actual.length, expected.length);
  return actual.reduce(
    (largest, value, i) => Math.max(largest, Math.abs(value - expected[i]) / (relative ? Math.max(1, Math.abs(expected[i])) : 1)),
    0,
  );
}

function compareLayers(expected, compute, tolerance, relative) {
  for (const [layer, { shape, values }] of Object.entries(expected ?? {})) {
    const ours = compute(layer);
    assert.deepEqual(ours.shape, shape, layer);
    const off = difference(Array.from(ours.values), values, relative);
    assert.ok(off <= tolerance, `${layer}: off by ${off}`);
  }
}

for (const name of fixtureNames()) {
  test(`${name} computes what Keras does`, () => {
    const { cases } = kerasNumbers(name);
    const model = openAsFitted(engine, name, cases);
    const session = model.newSession();
    session.carryStates(true);
    assert.ok(cases.length > 0);
    for (const one of cases) {
      if (!one.continues) session.resetStates();
      let run;
      if (one.text !== undefined) {
        run = session.setText(one.text);
        assert.deepEqual(Array.from(run.ids), one.ids[0], `${one.name}: ids`);
      } else if (one.input) {
        run = session.setInput(one.input.values, one.input.shape);
      } else if (one.ids?.length === 1) {
        run = session.setIds(one.ids[0]);
      } else {
        continue; // batches of ids and several inputs: verify() below, and natively
      }
      assert.deepEqual(run.outputs.map((output) => output.layer).sort(), Object.keys(one.outputs).sort());
      const layer = (name) => session.layer(name);
      compareLayers(one.outputs, layer, 1e-5, true);
      compareLayers(one.layers, layer, 1e-5, true);
      compareLayers(one.attention, (name) => session.attention(name), 1e-6, false);
    }
    const report = model.verify();
    assert.deepEqual(
      report.cases.filter((one) => !one.agrees),
      [],
    );
    assert.equal(report.cases.length, cases.length);
    session.delete();
    model.delete();
  });
}
