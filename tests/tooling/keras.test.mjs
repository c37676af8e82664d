/** What `npm run test:keras` decides, without any Keras. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { compareFixtures } from "../../scripts/lib/compare_fixtures.mjs";
import { differences, gradientDifferences } from "../../scripts/lib/compare_parity.mjs";
import { FIXTURE_SCRIPTS, GENERATIONS, pythonCandidates, selectGenerations } from "../../scripts/lib/keras.mjs";
import { ROOT } from "../../scripts/lib/paths.mjs";

let folder;
before(() => (folder = mkdtempSync(join(tmpdir(), "charglow-keras-"))));
after(() => rmSync(folder, { recursive: true }));

const array = (...values) => ({ shape: [1, values.length], values });

/** A parity object; `change` edits it. */
function parity(change = () => {}) {
  const made = {
    made_with: { keras: "2.15.0", backend: "tensorflow 2.15.1", python: "3.11.7" },
    cases: [
      {
        name: "batch of ids",
        ids: [[1, 2, 3]],
        outputs: { dense: array(0.5, 100) },
        attention: { attention_vec: array(0.25, 0.75) },
        layers: { gru: array(1, -2) },
        signals: { "gru/state": array(1, -2) },
      },
      { name: "numbers", input: array(1, 2), outputs: { dense: array(3) } },
    ],
  };
  change(made);
  return made;
}

const differencesOf = (change) => differences(parity(), parity(change));

test("the same numbers differ in nothing, also where another patch of Python made them", () => {
  assert.deepEqual(differencesOf(() => {}), []);
  assert.deepEqual(differencesOf((made) => (made.made_with.python = "3.11.9")), []);
});

test("numbers may differ by what the engine may: relative for outputs and layers, absolute for attention", () => {
  const set = (member, name, i, value) => differencesOf((made) => (made.cases[0][member][name].values[i] = value));
  assert.deepEqual(set("outputs", "dense", 1, 100.0009), []);
  assert.match(set("outputs", "dense", 1, 100.0011)[0], /"batch of ids", outputs, dense, number 1: expected 100, found 100.0011/);
  assert.deepEqual(set("outputs", "dense", 0, 0.500009), []);
  assert.equal(set("outputs", "dense", 0, 0.500011).length, 1);
  assert.equal(set("layers", "gru", 1, -2.00003).length, 1);
  assert.equal(set("signals", "gru/state", 0, 1.00002).length, 1);
  assert.deepEqual(set("attention", "attention_vec", 0, 0.2500009), []);
  assert.equal(set("attention", "attention_vec", 0, 0.2500011).length, 1);
});

test("what is no number is a difference", () => {
  for (const value of [null, undefined, NaN, Infinity, "0.5"]) {
    assert.equal(differencesOf((made) => (made.cases[0].outputs.dense.values[0] = value)).length, 1, String(value));
  }
});

test("ids, texts, inputs, names, shapes and versions must be equal", () => {
  for (const [change, words] of [
    [(made) => (made.made_with.keras = "2.16.0"), /made_with, keras: expected "2.15.0", found "2.16.0"/],
    [(made) => (made.made_with.backend = "jax 0.1"), /made_with, backend/],
    [(made) => made.cases.pop(), /expected 2 cases, found 1/],
    [(made) => (made.cases[0].name = "other"), /name: expected "batch of ids", found "other"/],
    [(made) => (made.cases[0].ids[0][1] = 7), /ids: expected \[\[1,2,3\]\], found \[\[1,7,3\]\]/],
    [(made) => (made.cases[0].text = "a"), /text: expected nothing, found "a"/],
    [(made) => (made.cases[1].input.values[0] = 1.0000001), /input, number 0/],
    [(made) => delete made.cases[0].layers.gru, /layers: expected \["gru"\], found \[\]/],
    [(made) => (made.cases[0].attention.more = array(1)), /attention: expected \["attention_vec"\]/],
    [(made) => delete made.cases[0].signals, /signals: expected/],
    [(made) => (made.cases[0].outputs.dense.shape = [2, 1]), /outputs, dense, shape: expected \[1,2\], found \[2,1\]/],
    [(made) => made.cases[0].outputs.dense.values.pop(), /expected 2 numbers, found 1/],
    [(made) => (made.more = 1), /members/],
  ]) {
    const found = differencesOf(change);
    assert.equal(found.length, 1, found.join("\n"));
    assert.match(found[0], words);
  }
});

test("of many differences some are told and the rest counted", () => {
  const many = (made) => (made.cases[0].layers = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`l${i}`, array(i)])));
  const found = differences(
    parity(many),
    parity((made) => {
      many(made);
      for (const one of Object.values(made.cases[0].layers)) one.values[0] += 1;
    }),
  );
  assert.equal(found.length, 6);
  assert.equal(found.at(-1), "and 4 more differences");
});

/** A gradients.json; `change` edits it. */
function gradients(change = () => {}) {
  const made = {
    made_with: { keras: "2.15.0", backend: "tensorflow 2.15.1", python: "3.11.7" },
    case: "batch of ids",
    gradients: { dense: array(50, 0), gru: array(0.002, 0) },
    independent: ["mask"],
  };
  change(made);
  return made;
}

test("gradients may differ by what the engine may: relative to the largest of a tensor, or to 0.01", () => {
  const set = (name, i, value) => gradientDifferences(gradients(), gradients((made) => (made.gradients[name].values[i] = value)));
  assert.deepEqual(set("dense", 0, 50), []);
  assert.deepEqual(set("dense", 1, -0.0049), []);
  assert.match(set("dense", 1, -0.0051)[0], /^gradients, dense, number 1: expected 0, found -0.0051$/);
  assert.deepEqual(set("gru", 0, 0.0020009), []);
  assert.equal(set("gru", 0, 0.0020011).length, 1);
  assert.equal(set("gru", 0, null).length, 1);
});

test("names, shapes and the independent tensors of gradients must be equal, and the versions that made them", () => {
  for (const [change, words] of [
    [(made) => (made.made_with.backend = "jax 0.1"), /made_with, backend/],
    [(made) => (made.case = "numbers"), /case and independent tensors: expected .*"batch of ids"/],
    [(made) => made.independent.pop(), /case and independent tensors/],
    [(made) => delete made.gradients.gru, /gradients: expected \["dense","gru"\], found \["dense"\]/],
    [(made) => (made.gradients.gru.shape = [2, 1]), /gradients, gru, shape: expected \[1,2\], found \[2,1\]/],
  ]) {
    const found = gradientDifferences(gradients(), gradients(change));
    assert.equal(found.length, 1, found.join("\n"));
    assert.match(found[0], words);
  }
});

test("every case of either side is compared, wherever it lies", () => {
  const write = (root, place, name, files) => {
    const path = join(folder, root, place, "keras-0", name);
    mkdirSync(path, { recursive: true });
    for (const [file, value] of Object.entries(files)) writeFileSync(join(path, file), JSON.stringify(value));
  };
  const vocab = { a: 1 };
  for (const root of ["old", "new"]) {
    write(root, "fixtures", "same", { "parity.json": parity(), "vocab.json": vocab });
    write(root, root === "old" ? "fixtures-next" : "fixtures", "moved", { "parity.json": parity() });
  }
  write("old", "fixtures", "failed", { "parity.json": parity() });
  write("old", "fixtures-next", "forgotten", { "parity.json": parity() });
  write("new", "fixtures-next", "added", { "parity.json": parity() });
  write("old", "fixtures", "texts", { "parity.json": parity(), "vocab.json": vocab });
  write("new", "fixtures", "texts", { "parity.json": parity(), "vocab.json": { a: 2 } });
  write("old", "fixtures", "numbers", { "parity.json": parity() });
  write("new", "fixtures", "numbers", { "parity.json": parity((made) => (made.cases[1].outputs.dense.values[0] = 4)) });
  write("old", "fixtures", "derived", { "parity.json": parity(), "gradients.json": gradients() });
  write("new", "fixtures", "derived", { "parity.json": parity(), "gradients.json": gradients((made) => (made.gradients.gru.values[0] = 3)) });
  write("old", "fixtures", "derived_before", { "parity.json": parity(), "gradients.json": gradients() });
  write("new", "fixtures", "derived_before", { "parity.json": parity() });
  write("old", "fixtures", "derived_now", { "parity.json": parity() });
  write("new", "fixtures", "derived_now", { "parity.json": parity(), "gradients.json": gradients() });

  const output = "same  1 kB\nfailed     FAILED: ValueError: no\n";
  const found = Object.fromEntries(
    compareFixtures("keras-0", join(folder, "old"), join(folder, "new"), output).map((one) => [one.name, one.problems.join("; ")]),
  );
  assert.deepEqual(Object.keys(found), ["added", "derived", "derived_before", "derived_now", "failed", "forgotten", "moved", "numbers", "same", "texts"]);
  assert.equal(found.same, "");
  assert.equal(found.moved, "");
  assert.match(found.added, /expected a committed fixture, found none/);
  assert.match(found.failed, /found "failed +FAILED: ValueError: no"/);
  assert.match(found.forgotten, /found no such case in the script/);
  assert.match(found.texts, /vocab\.json/);
  assert.match(found.numbers, /expected 3, found 4/);
  assert.equal(found.derived, "gradients.json: gradients, gru, number 0: expected 0.002, found 3");
  assert.match(found.derived_before, /^gradients\.json: expected Keras to make it again, found none$/);
  assert.match(found.derived_now, /^gradients\.json: expected a committed one, found none/);
  assert.deepEqual(compareFixtures("keras-none", join(folder, "old"), join(folder, "new"), ""), []);
});

test("generations are named", () => {
  assert.deepEqual(selectGenerations([]), GENERATIONS);
  assert.deepEqual(selectGenerations(["keras-3", "keras-2.2"]).map(({ name }) => name), ["keras-2.2", "keras-3"]);
  assert.throws(() => selectGenerations(["keras-4"]), /expected names among keras-1\.2, .*, found keras-4/);
});

test("every generation has its script, its requirements and fixtures made by just those versions", () => {
  const generations = ["fixtures", "fixtures-next"].flatMap((place) => {
    const path = join(ROOT, "tests", place);
    return existsSync(path) ? readdirSync(path).filter((name) => /^(keras|tf)-/.test(name)) : [];
  });
  assert.deepEqual([...new Set(generations)].sort(), GENERATIONS.map(({ name }) => name).sort());
  for (const { name, script, environment, python, gradients } of GENERATIONS) {
    assert.ok(existsSync(join(FIXTURE_SCRIPTS, script)), script);
    const [pins, derivingPins] = [environment, gradients?.environment ?? environment].map((one) => pinsOf(one, python));
    for (const place of ["fixtures", "fixtures-next"]) {
      const path = join(ROOT, "tests", place, name);
      for (const one of existsSync(path) ? readdirSync(path) : []) {
        checkVersions(join(path, one, "parity.json"), pins, name, python);
        if (existsSync(join(path, one, "gradients.json"))) checkVersions(join(path, one, "gradients.json"), derivingPins, name, python);
      }
    }
  }
});

/** The text of an environment's requirements, each of which is pinned. */
function pinsOf(environment, python) {
  const pins = readFileSync(join(FIXTURE_SCRIPTS, `requirements-${environment}.txt`), "utf8");
  assert.match(pins, new RegExp(`^# Python ${python.replace(".", "\\.")}\\b`));
  for (const line of pins.split("\n").filter((text) => text && !text.startsWith("#"))) assert.match(line, /^[\w-]+==[\d.]+$/);
  return pins;
}

/** That a JSON file was made by just the versions of `pins`. */
function checkVersions(file, pins, generation, python) {
  const { made_with: made } = JSON.parse(readFileSync(file, "utf8"));
  const [, backend, version] = /^(\w+) ([\d.]+)$/.exec(made.backend) ?? [];
  if (generation !== "tf-1.15") assert.match(pins, new RegExp(`^keras==${made.keras}$`, "m"), file);
  assert.match(pins, new RegExp(`^${backend}(-cpu)?==${version}$`, "m"), file);
  assert.ok(made.python.startsWith(`${python}.`), file);
}

test("a Python is looked for on $PATH and in pyenv, the newest patch first", () => {
  const bin = join(folder, "bin");
  const pyenv = join(folder, "pyenv");
  mkdirSync(bin);
  writeFileSync(join(bin, "python3.7"), "");
  chmodSync(join(bin, "python3.7"), 0o755);
  for (const version of ["3.7.9", "3.7.16", "3.70.1", "3.11.7", "system"]) mkdirSync(join(pyenv, "versions", version), { recursive: true });
  const inside = (version) => join(pyenv, "versions", version, "bin", "python");
  assert.deepEqual(pythonCandidates("3.7", pyenv, bin), [join(bin, "python3.7"), inside("3.7.16"), inside("3.7.9")]);
  assert.deepEqual(pythonCandidates("3.6", pyenv, bin), []);
  assert.deepEqual(pythonCandidates("3.6", join(folder, "nowhere"), bin), []);
});
