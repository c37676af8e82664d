// The engine in two parts: when the second one is asked for, and that it makes no difference.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

import { visit } from "../../scripts/lib/first_visit.mjs";
import { builtEngines, WASM_BUILD } from "../../scripts/lib/paths.mjs";
import { Engine, EngineError } from "../../wasm/host.mjs";
import { SAMPLE, fixtureBytes, kerasNumbers, openAsFitted, problemsOf } from "./support.mjs";

globalThis.window ??= globalThis;
const { default: factory } = await import(pathToFileURL(join(WASM_BUILD, "engine.mjs")).href);
const read = (file) => readFileSync(join(WASM_BUILD, file));
const sample = new Uint8Array(readFileSync(SAMPLE));
const names = builtEngines().filter((name) => WebAssembly.validate(read(`${name}.wasm`)));
/** Without wasm-split the build leaves engines in one piece, and says so. */
const skip = names.some((name) => existsSync(join(WASM_BUILD, `${name}.rest.wasm`))) ? false : "the engine was not split";

/** An engine that counts how often it asks for its rest. */
async function counted(name = "engine", rest = () => read(`${name}.rest.wasm`)) {
  const counts = { asked: 0 };
  const engine = await Engine.load(factory, read(`${name}.wasm`), () => {
    counts.asked++;
    return rest();
  });
  return { engine, counts };
}

/** Types of the parameters and results of the functions that a module imports: the bytes of its type and import sections. */
function importedTypes(bytes) {
  let at = 8;
  const byte = () => bytes[at++];
  const number = () => {
    for (let value = 0, shift = 0; ; shift += 7) {
      const next = byte();
      value |= (next & 0x7f) << shift;
      if (next < 0x80) return value;
    }
  };
  const list = (item) => Array.from({ length: number() }, item);
  const name = () => list(byte);
  const types = [];
  const used = [];
  while (at < bytes.length) {
    const [section, size] = [byte(), number()];
    const end = at + size;
    if (section === 1) {
      list(() => {
        assert.equal(byte(), 0x60, "a function's type");
        types.push([...list(byte), ...list(byte)]);
      });
    } else if (section === 2) {
      list(() => {
        name();
        name();
        assert.equal(byte(), 0, "nothing but functions is imported");
        used.push(types[number()]);
      });
    }
    at = end;
  }
  return used;
}

test("the sample needs the first part alone: opened, read in texts of all kinds, compared with Keras", { skip }, async () => {
  for (const name of names) {
    const { engine, counts } = await counted(name);
    visit(engine, sample);
    const model = engine.open(sample, "another-name.safetensors");
    const session = model.newSession();
    for (let length = 0; length < 400; length += 7) {
      session.setText("Ring 0870-222 £5 \u{1F525} ÀÉ ".repeat(20).slice(length % 50, length % 50 + length));
      session.signal("attention_vec");
    }
    assert.equal(counts.asked, 0, name);
  }
});

test("what the sample does not use is asked for once, and computes what Keras does", { skip }, async () => {
  for (const name of names) {
    const { engine, counts } = await counted(name);
    for (const fixture of ["keras-2.15/multi_head_mask", "keras-1.2/bidirectional", "keras-3/classic"]) {
      const model = openAsFitted(engine, fixture, kerasNumbers(fixture).cases);
      assert.deepEqual(model.verify().cases.filter(({ agrees }) => !agrees), [], `${name}, ${fixture}`);
      model.delete();
    }
    assert.equal(counts.asked, 1, name);
    // What was opened in the one part goes on in both.
    visit(engine, sample);
    assert.equal(counts.asked, 1, name);
  }
});

test("an error found in the second part is told as any other, the first time too", { skip }, async () => {
  const { engine, counts } = await counted();
  const model = engine.open(sample, "sample.safetensors");
  for (let time = 0; time < 2; time++) {
    const [problem] = problemsOf(() => engine.open(new Uint8Array([1, 2, 3]), "none.safetensors"));
    assert.equal(problem.code, "not-a-bundle");
    assert.equal(counts.asked, 1);
  }
  assert.ok(model.verify().agrees);
});

test("a rest that cannot be had: whoever needed it is told why, and an engine made later does not suffer", { skip }, async () => {
  const why = new EngineError([{ code: "rest-missing", where: "w", expected: "e", actual: "a", hint: "" }]);
  const { engine } = await counted("engine", () => {
    throw why;
  });
  assert.throws(() => engine.open(fixtureBytes("keras-2.15/multi_head_mask"), "model"), (error) => error === why);
  const without = await Engine.load(factory, read("engine.wasm"));
  assert.equal(problemsOf(() => without.open(fixtureBytes("keras-2.15/multi_head_mask"), "model"))[0].code, "rest-missing");
  const { engine: later } = await counted();
  assert.ok(later.open(fixtureBytes("keras-2.15/multi_head_mask"), "model").verify().agrees);
});

test("what goes from one part to the other by way of JavaScript has types that JavaScript can pass", { skip }, () => {
  const V128 = 0x7b;
  for (const name of builtEngines()) {
    const types = importedTypes(read(`${name}.wasm`));
    assert.ok(types.length > 100, `${name}: ${types.length} imports`);
    assert.ok(types.every((type) => !type.includes(V128)), name);
  }
});
