// scripts/charglow.mjs as a program sees it (--json, exit codes) and as a stranger reads it.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { FIXTURE_BUNDLES, ROOT } from "../../scripts/lib/paths.mjs";
import { parse, withMetadata } from "../web/support/bundle.mjs";
import { SAMPLE, fixtureBytes, kerasNumbers } from "./support.mjs";

const folder = mkdtempSync(join(tmpdir(), "charglow-"));
after(() => rmSync(folder, { recursive: true }));

function charglow(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, "scripts", "charglow.mjs"), ...args], { encoding: "utf8" });
  return { status, stdout, stderr };
}

const bundle = (name) => join(FIXTURE_BUNDLES, `${name}.safetensors`);

test("inspect --json is the model's card and its parity", () => {
  const { status, stdout } = charglow("inspect", SAMPLE, "--json");
  const { card, parity } = JSON.parse(stdout);
  assert.equal(status, 0);
  assert.equal(card.attention[0].id, "attention_vec");
  assert.deepEqual(card.layers.find((layer) => layer.name === "gru").shape, [null, 250, 250]);
  assert.ok(parity.agrees);
});

test("inspect tells a person layers, attention, text, assumptions and parity", () => {
  const { status, stdout } = charglow("inspect", SAMPLE);
  assert.equal(status, 0);
  for (const words of [
    /gru +GRU +\(None, 250, 250\) +264,000 +reset_after, tanh\/sigmoid/,
    /attention_vec: 250 timesteps; a softmax over the timesteps that weighs "gru"/,
    /lambda xin: K\.sum\(xin, axis=1\)/,
    /unknown ones dropped/,
    /assumed: /,
    /agrees with Keras 2\.15\.0, tensorflow 2\.15\.1 in \d+ cases/,
  ]) {
    assert.match(stdout, words);
  }
});

test("run --text --json gives Keras's numbers for every output and signal", () => {
  const name = "keras-2.15/classic";
  const one = kerasNumbers(name).cases.find((each) => each.text?.length > 3);
  const { status, stdout } = charglow("run", bundle(name), "--text", one.text, "--json");
  assert.equal(status, 0);
  const run = JSON.parse(stdout);
  assert.deepEqual(run.ids, one.ids[0]);
  const [[layer, { shape, values }]] = Object.entries(one.outputs);
  assert.equal(run.outputs[0].layer, layer);
  assert.deepEqual(run.outputs[0].shape, shape);
  assert.ok(Math.abs(run.outputs[0].values[0] - values[0]) <= 1e-5);
  const [signal] = run.signals;
  assert.deepEqual([signal.id, signal.layer, signal.axes, signal.shape], ["attention_vec", "attention_vec", ["step"], [7]]);
  one.attention.attention_vec.values.forEach((value, i) => assert.ok(Math.abs(signal.values[i] - value) <= 1e-6));
});

test("run --ids and run --input are the same model without its text", () => {
  const { cases } = kerasNumbers("keras-2.15/classic");
  const one = cases.find((each) => each.ids.length === 1);
  const ids = charglow("run", bundle("keras-2.15/classic"), "--ids", one.ids[0].join(","), "--json");
  assert.equal(ids.status, 0, ids.stderr);
  assert.ok(Math.abs(JSON.parse(ids.stdout).outputs[0].values[0] - Object.values(one.outputs)[0].values[0]) <= 1e-5);

  const numbers = kerasNumbers("keras-2.15/number_inputs").cases[0];
  const nest = (values, [size, ...rest]) =>
    rest.length === 0
      ? values
      : Array.from({ length: size }, (_, i) => nest(values.slice((i * values.length) / size, ((i + 1) * values.length) / size), rest));
  const file = join(folder, "input.json");
  writeFileSync(file, JSON.stringify(nest(numbers.input.values, numbers.input.shape)));
  const input = charglow("run", bundle("keras-2.15/number_inputs"), "--input", file, "--json");
  assert.equal(input.status, 0, input.stderr);
  const expected = Object.values(numbers.outputs)[0].values;
  JSON.parse(input.stdout).outputs[0].values.forEach((value, i) =>
    assert.ok(Math.abs(value - expected[i]) <= 1e-5 * Math.max(1, Math.abs(expected[i]))),
  );
});

test("run tells a person the prediction, the fate of the text and each character's attention", () => {
  const { status, stdout } = charglow("run", SAMPLE, "--text", "Free £5☃");
  assert.equal(status, 0);
  assert.match(stdout, /spam +0\.\d{6}\n +ham +0\.\d{6}/);
  assert.match(stdout, /1 +unknown, dropped/);
  assert.match(stdout, /on padding: \d+\.\d %/);
  assert.match(stdout, /"£" +\d+ +248 +0\.\d{6} +\d+\.\d\d/);
});

test("layers lists the classes that the engine runs", () => {
  const { status, stdout } = charglow("layers", "--json");
  assert.equal(status, 0);
  const classes = JSON.parse(stdout);
  assert.ok(classes.includes("GRU") && classes.includes("Embedding"));
  assert.equal(charglow("layers").stdout, `${classes.join("\n")}\n`);
});

test("wrong use is told with the usage and exit code 2", () => {
  for (const [args, words] of [
    [[], /expected inspect, run, corpus or layers, found nothing/],
    [["layers", SAMPLE], /layers takes no MODEL/],
    [["inspect"], /expected a MODEL/],
    [["run", SAMPLE], /expected one of --text, --ids and --input, found none/],
    [["run", SAMPLE, "--text", "a", "--ids", "1"], /found --text and --ids/],
    [["run", SAMPLE, "--ids", "1,x"], /--ids: expected whole numbers/],
    [["inspect", SAMPLE, "--colour"], /--colour/],
  ]) {
    const { status, stderr } = charglow(...args);
    assert.equal(status, 2, stderr);
    assert.match(stderr, words);
    assert.match(stderr, /run MODEL --text/);
  }
});

test("what the engine refuses ends with exit code 1, its message and no stack", () => {
  const html = join(folder, "page.safetensors");
  writeFileSync(html, "<!doctype html>");
  const pictures = join(folder, "pictures.safetensors");
  const classic = fixtureBytes("keras-2.15/classic");
  writeFileSync(pictures, withMetadata(classic, { model_config: parse(classic).metadata.model_config.replace('"class_name": "Flatten"', '"class_name": "Conv2D"') }));
  for (const [args, words] of [
    [["inspect", html], /page\.safetensors/],
    [["inspect", pictures], /expected a class of layer the engine runs, found Conv2D/],
    [["inspect", join(folder, "missing.safetensors")], /missing\.safetensors: expected a file, found no such file\./],
    [["run", bundle("keras-2.15/classic"), "--ids", "1,2"], /expected 7 timesteps, found 2/],
    [["run", bundle("keras-2.15/lambda_mean"), "--text", "a"], /expected a vocabulary, found none/],
  ]) {
    const { status, stdout, stderr } = charglow(...args);
    assert.equal(status, 1, stdout);
    assert.match(stderr, words);
    assert.doesNotMatch(stderr, /\n +at /);
  }
});
