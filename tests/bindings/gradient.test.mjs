// Gradients through the WebAssembly engine: against TensorFlow's, as signals, and on the command line.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { loadEngine } from "../../scripts/lib/engine.mjs";
import { FIXTURES, FIXTURE_BUNDLES, ROOT } from "../../scripts/lib/paths.mjs";
import { SAMPLE, fixtureBytes, kerasNumbers, problemsOf } from "./support.mjs";

const engine = await loadEngine();
const open = (name) => engine.open(fixtureBytes(name), name);
const near = (found, expected, what) => {
  const largest = Math.max(...expected.map(Math.abs));
  assert.equal(found.length, expected.length, what);
  found.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) <= 1e-4 * largest, `${what}, value ${i}: ${value}, Keras ${expected[i]}`));
};

// The loss of the fixtures' gradients is the sum over a batch of three texts of cos(1 + row) times the output, a single unit.
for (const name of ["keras-2.15/classic", "keras-2.15/classic_bidirectional_lstm", "keras-3/classic"]) {
  test(`${name}: d(output)/d(embedded input) is what tf.GradientTape gives`, () => {
    const { gradients } = JSON.parse(readFileSync(join(FIXTURES, name, "gradients.json"), "utf8"));
    const [{ ids }] = kerasNumbers(name).cases;
    const session = open(name).newSession();
    ids.forEach((row, text) => {
      session.setIds(row);
      const found = session.gradient();
      assert.deepEqual(found.index, [0]);
      const [embedding] = found.gradients;
      const [, steps, features] = embedding.shape;
      assert.deepEqual([steps, features], [7, 4]);
      const expected = gradients[embedding.layer].values.slice(text * steps * features, (text + 1) * steps * features);
      near(Array.from(embedding.values, (value) => value * Math.cos(1 + text)), expected, `text ${text}`);
    });
  });
}

test("the signals are the gradient times the input, and its norm, at each step", () => {
  const model = open("keras-2.15/three_classes");
  assert.deepEqual(model.card.gradients.map(({ id, kind, axes, shape }) => [id, kind, axes, shape]), [
    ["embedding/gradient_x_input", "gradient", ["step"], [7]],
    ["embedding/gradient_norm", "gradient", ["step"], [7]],
  ]);
  const session = model.newSession();
  session.setIds([0, 0, 3, 1, 4, 1, 5]);
  const of = { output: 0, index: [1] };
  const [gradient] = session.gradient(of).gradients;
  const { values: vectors } = session.layer("embedding");
  const [product, norm] = model.card.gradients.map(({ id }) => session.signal(id, of).values);
  const each = Array.from({ length: 7 }, (_, step) => [...gradient.values.subarray(4 * step, 4 * step + 4)].map((g, f) => [g, vectors[4 * step + f]]));
  near([...product], each.map((pairs) => pairs.reduce((sum, [g, x]) => sum + g * x, 0)), "gradient x input");
  near([...norm], each.map((pairs) => Math.hypot(...pairs.map(([g]) => g))), "norm");
  assert.ok(product.some((value) => value < 0) && norm.every((value) => value > 0));
});

test("without an index it is the largest element, and it follows the text", () => {
  const session = open("keras-2.15/three_classes").newSession();
  const seen = new Set();
  for (const ids of [[1, 2, 3, 4, 5, 6, 7], [9, 9, 9, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0, 10], [3, 3, 3, 3, 3, 3, 3]]) {
    const { values } = session.setIds(ids).outputs[0];
    const { index, gradients } = session.gradient();
    assert.deepEqual(index, [values.indexOf(Math.max(...values))]);
    assert.deepEqual(gradients, session.gradient({ index }).gradients);
    seen.add(gradients[0].values.join());
  }
  assert.equal(seen.size, 4);
});

test("asking for gradients leaves the next runs as they would have been", () => {
  const model = engine.open(readFileSync(SAMPLE), "sample");
  const [asked, never] = [model.newSession(), model.newSession()];
  for (const text of ["Call 0906 now", "Call 0906 now!", "Call 0906 no", "", "WIN a prize"]) {
    assert.deepEqual(asked.setText(text), never.setText(text));
    asked.signal("embedding/gradient_norm");
  }
});

test("what cannot be asked for is refused", () => {
  const session = open("keras-2.15/three_classes").newSession();
  assert.equal(problemsOf(() => session.gradient())[0].code, "no-run");
  session.setIds([1, 2, 3, 4, 5, 6, 7]);
  assert.equal(problemsOf(() => session.gradient({ output: 1 }))[0].code, "unknown-output");
  for (const index of [[3], [0, 0], [-1]]) assert.equal(problemsOf(() => session.gradient({ index }))[0].code, "output-index");
  assert.equal(problemsOf(() => session.gradient({ index: [0.5] }))[0].code, "not-whole");
});

const run = (...args) => spawnSync(process.execPath, [join(ROOT, "scripts", "charglow.mjs"), "run", ...args], { encoding: "utf8" });
const bundle = (name) => join(FIXTURE_BUNDLES, `${name}.safetensors`);

test("run --gradient prints every number, for people and for programs", () => {
  const args = [bundle("keras-2.15/three_classes"), "--ids", "0,0,3,1,4,1,5"];
  const layer = open("keras-2.15/three_classes").card.outputs[0].layer;
  const { status, stdout, stderr } = run(...args, "--gradient", `${layer}:1`, "--json");
  assert.equal(status, 0, stderr);
  const { gradient } = JSON.parse(stdout);
  assert.deepEqual([gradient.output, gradient.index, gradient.gradients[0].shape], [layer, [1], [1, 7, 4]]);
  assert.deepEqual(gradient.signals.map(({ shape }) => shape), [[7], [7]]);
  const people = run(...args, "--gradient", `${layer}:1`).stdout;
  assert.match(people, new RegExp(`Gradient\n  of ${layer}, element \\(1\\)\n  with respect to embedding \\(1, 7, 4\\)`));
  const rows = people.split("\n").filter((line) => /^ +\d+ +\d +\S+ +\S+ +\S+ +\S+ +\S+ +\S+$/.test(line));
  assert.equal(rows.length, 7);
  near(rows.flatMap((row) => row.trim().split(/ +/).slice(4).map(Number)), gradient.gradients[0].values, "table");
});

test("run --gradient says what it expects", () => {
  const args = [bundle("keras-2.15/three_classes"), "--ids", "0,0,3,1,4,1,5", "--gradient"];
  const layer = open("keras-2.15/three_classes").card.outputs[0].layer;
  for (const [element, words, code] of [
    ["nobody", new RegExp(`one of the model's outputs \\(${layer}\\), found "nobody"`), 2],
    [`${layer}:x`, /whole numbers separated by commas/, 2],
    [`${layer}:3`, /a place in its shape \(1, 3\), counted from 0, found 3/, 1],
  ]) {
    const { status, stderr } = run(...args, element);
    assert.equal(status, code, stderr);
    assert.match(stderr, words);
  }
});
