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
