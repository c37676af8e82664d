// Public models of real people, which are not part of the repository: what their authors published is what the engine must
// say. The folder that holds them is $CHARGLOW_REAL_MODELS, or shared/models beside the repository.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { loadEngine } from "../../scripts/lib/engine.mjs";
import { ROOT, VENV } from "../../scripts/lib/paths.mjs";

const MODELS = process.env.CHARGLOW_REAL_MODELS ?? join(ROOT, "..", "shared", "models");
const engine = await loadEngine();
const folder = mkdtempSync(join(tmpdir(), "charglow-"));
after(() => rmSync(folder, { recursive: true }));

/** A test that needs `file` and is skipped, by name, where it is not. */
function withModel(file, name, body) {
  const path = join(MODELS, file);
  test(`${file}: ${name}`, { skip: !existsSync(path) && `${path}: expected the model, found none` }, () => body(path));
}

/** The bundle that convert.py makes of a model. */
function converted(path, ...options) {
  const bundle = join(folder, "model.safetensors");
  const python = join(VENV, "bin", "python");
  const args = [join(ROOT, "scripts", "convert.py"), path, "--output", bundle, "--force", "--quiet", ...options];
  const { status, stderr } = spawnSync(python, args, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return readFileSync(bundle);
}

// https://github.com/sudo-rushil/dgaintel: how likely a domain name was made by an algorithm.
withModel("dgaintel_classifier.h5", "its author's three published scores", (path) => {
  const vocabulary = join(folder, "vocabulary.json");
  const alphabet = Array.from("-.0123456789_abcdefghijklmnopqrstuvwxyz", (character, id) => [character, id]);
  writeFileSync(vocabulary, JSON.stringify(Object.fromEntries(alphabet)));
  const model = engine.open(converted(path, "--vocab", vocabulary, "--padding", "post"), "dgaintel.safetensors");
  const session = model.newSession();
  for (const [domain, score] of [
    ["microsoft.com", 0.0005084535223431885],
    ["wikipedia.com", 0.00033092446392402053],
    ["vlurgpeddygdy.com", 0.9760094285011292],
  ]) {
    const [output] = session.setText(domain).outputs;
    assert.ok(Math.abs(output.values[0] - score) <= 1e-5, `${domain}: expected ${score}, found ${output.values[0]}`);
  }
});

// https://github.com/minimaxir/textgenrnn: weights alone, in CuDNN's layout under plain names; the next character of a text.
withModel("textgenrnn_weights.hdf5", "from weights and vocabulary alone, English goes on as English", (path) => {
  const vocabulary = join(MODELS, "textgenrnn_vocab.json");
  const ids = JSON.parse(readFileSync(vocabulary, "utf8"));
  const bundle = converted(path, "--vocab", vocabulary, "--assume", "timesteps=40");
  const model = engine.open(bundle, "textgenrnn.safetensors");
  assert.deepEqual(model.card.attention.map(({ layer }) => layer), ["attention"]);
  const session = model.newSession();
  const next = (text) => session.setText(text).outputs[0].values;
  const after = next("The results have bee");
  assert.equal(after.indexOf(Math.max(...after)), ids.n);

  let nats = 0;
  let characters = 0;
  for (const title of ["What is the best way to learn a new language?", "The first picture of my new house", "How do you make your own bread at home"]) {
    for (let end = 0; end < title.length; ++end, ++characters) nats -= Math.log(next(title.slice(0, end))[ids[title[end]]]);
  }
  // About 48 where the weights are not converted from CuDNN's layout. Titles as ordinary as these are easier than most.
  assert.ok(nats / characters < 3.2, `${nats / characters} nats per character`);
});
