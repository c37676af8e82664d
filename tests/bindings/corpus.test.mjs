// Many texts at once: Model.runTexts, and the command line's corpus with and without threads.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { runCorpus, threadsFor } from "../../scripts/lib/corpus.mjs";
import { loadEngine } from "../../scripts/lib/engine.mjs";
import { FIXTURE_BUNDLES, ROOT } from "../../scripts/lib/paths.mjs";
import { fixtureBytes, problemsOf } from "./support.mjs";

const engine = await loadEngine();
const CLASSIC = join(FIXTURE_BUNDLES, "keras-2.15", "classic.safetensors");
/** Lower case, an unknown, an empty one, one that is too long, one twice. */
const TEXTS = ["hello", "HELLO world", "", "☃\u{1d11e}", "the whole world is here", "hello"];

const folder = mkdtempSync(join(tmpdir(), "charglow-"));
after(() => rmSync(folder, { recursive: true }));

function charglow(...args) {
  return spawnSync(process.execPath, [join(ROOT, "scripts", "charglow.mjs"), ...args], { encoding: "utf8" });
}

let files = 0;

/** A file of texts, one a line. */
function textFile(content) {
  const file = join(folder, `texts-${++files}.txt`);
  writeFileSync(file, content);
  return file;
}

/** What each text gets by itself. */
function alone(model, texts) {
  const session = model.newSession();
  return texts.map((text) => Array.from(session.setText(text).outputs[0].values));
}

test("every text gets the bits that it gets by itself", () => {
  const model = engine.open(fixtureBytes("keras-2.15/classic"), "classic");
  const [output, ...others] = model.runTexts(TEXTS);
  assert.deepEqual(others, []);
  assert.deepEqual([output.layer, output.shape], ["dense_1", [TEXTS.length, 1]]);
  assert.deepEqual(Array.from(output.values, (value) => [value]), alone(model, TEXTS));
  assert.deepEqual(model.runTexts([]), []);
});

test("texts of different lengths, for a model that takes any", () => {
  const model = engine.open(fixtureBytes("keras-2.15/any_length"), "any");
  const texts = ["hello", "hell", "o", "hello", "hero hello"];
  const [output] = model.runTexts(texts);
  assert.equal(output.shape[0], texts.length);
  assert.deepEqual(Array.from(output.values), alone(model, texts).flat());
  // A text of which nothing is left is named.
  const [problem] = problemsOf(() => model.runTexts(["hello", ""]));
  assert.equal(problem.code, "empty-text");
  assert.match(problem.where, /^text 2 of 2, /);
});

test("threads share the texts without changing a bit or the order", async () => {
  const texts = Array.from({ length: 23 }, (_, index) => TEXTS[index % TEXTS.length] + "helo wrd"[index % 8]);
  const [one] = await runCorpus({ file: CLASSIC }, texts, 1);
  for (const threads of [2, 3, 40]) {
    const [several] = await runCorpus({ file: CLASSIC }, texts, threads);
    assert.deepEqual(several, one, `${threads} threads`);
  }
});

test("a refused text is named by its number in the whole file, whichever thread has it", async () => {
  const file = join(FIXTURE_BUNDLES, "keras-2.15", "any_length.safetensors");
  const texts = ["hello", "hello", "hello", ""];
  await assert.rejects(runCorpus({ file }, texts, 2), /^Error: text 4 of 4, /);
});

test("a few texts are not worth a thread", () => {
  assert.equal(threadsFor(["a"]), 1);
  assert.equal(threadsFor([]), 1);
  assert.ok(threadsFor(new Array(100_000).fill("a")) >= 1);
});

test("corpus writes a line for each line, for people and as JSON", () => {
  const model = engine.open(fixtureBytes("keras-2.15/classic"), "classic");
  const expected = alone(model, ["hello", "", "world"]);
  // The last line's end begins no further text; lines of Windows end as others do.
  const file = textFile("hello\r\n\nworld\n");
  const people = charglow("corpus", CLASSIC, file);
  assert.equal(people.status, 0, people.stderr);
  assert.equal(people.stdout, `dense_1\ttext\n${["hello", "", "world"].map((text, i) => `${expected[i][0].toFixed(6)}\t${text}\n`).join("")}`);
  const json = charglow("corpus", CLASSIC, file, "--json", "--threads", "2");
  assert.equal(json.status, 0, json.stderr);
  const rows = json.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(rows.map(({ text }) => text), ["hello", "", "world"]);
  rows.forEach(({ outputs }, i) => assert.deepEqual(Array.from(Float32Array.from(outputs.dense_1)), expected[i]));
});

test("corpus: wrong use", () => {
  for (const [args, words] of [
    [["corpus", CLASSIC], /expected a file of TEXTS/],
    [["corpus", CLASSIC, textFile("")], /texts-\d\.txt: expected texts, one a line, found none/],
    [["corpus", CLASSIC, textFile("a\n"), "--threads", "0"], /--threads: expected a number from 1 to 999, found "0"/],
    [["corpus", CLASSIC, textFile("a\n"), "--text", "b"], /corpus takes no --text/],
    [["inspect", CLASSIC, "--threads", "2"], /inspect takes no --threads/],
  ]) {
    const { status, stderr } = charglow(...args);
    assert.equal(status, 2, stderr);
    assert.match(stderr, words);
  }
});
