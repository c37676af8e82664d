// The JavaScript interface: what goes in, what comes out, and how errors arrive.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { loadEngine } from "../../scripts/lib/engine.mjs";
import { FIXTURES, WASM_BUILD } from "../../scripts/lib/paths.mjs";
import { Engine, EngineError, Fate, charsetEncoding } from "../../wasm/host.mjs";
import { parse } from "../web/support/bundle.mjs";
import { SAMPLE, fixtureBytes, kerasNumbers, problemsOf } from "./support.mjs";

// The memory behind the engine, to see it grow.
let memory;
const { instantiate } = WebAssembly;
WebAssembly.instantiate = async (...args) => {
  const result = await instantiate(...args);
  memory = Object.values((result.instance ?? result).exports).find((value) => value instanceof WebAssembly.Memory);
  return result;
};
const engine = await loadEngine();
WebAssembly.instantiate = instantiate;

const open = (name) => engine.open(fixtureBytes(name), name);

test("a problem says what, where, expected, actual and what to do", () => {
  const bytes = fixtureBytes("keras-2.15/classic");
  for (const [damaged, code] of [
    [bytes.subarray(0, 0), "empty-file"],
    [bytes.subarray(0, bytes.length - 1), null],
    [Buffer.from("<!doctype html><title>404</title>"), "not-a-bundle"],
  ]) {
    const problems = problemsOf(() => engine.open(damaged, "dropped.safetensors"));
    for (const problem of problems) {
      for (const field of ["code", "where", "expected", "actual", "text"]) assert.ok(problem[field], field);
      assert.equal(typeof problem.hint, "string");
    }
    assert.match(problems[0].where, /dropped\.safetensors/);
    if (code) assert.equal(problems[0].code, code);
  }
});

test("an EngineError is an Error whose message has a line for each problem", () => {
  assert.throws(
    () => open("keras-2.15/classic").newSession().setIds([1, 2, 3]),
    (error) => error instanceof EngineError && error instanceof Error && error.message === error.problems.map((one) => one.text).join("\n"),
  );
});

test("a failed call leaves the session usable", () => {
  const session = open("keras-2.15/classic").newSession();
  const before = session.setIds([1, 2, 3, 4, 5, 6, 7]).outputs[0].values;
  assert.equal(problemsOf(() => session.setIds([1, 2, 3, 4, 5, 6, 99]))[0].code, "id-out-of-range");
  assert.equal(problemsOf(() => session.setIds([1, 2, 3]))[0].code, "input-shape");
  assert.equal(problemsOf(() => session.layer("nobody"))[0].code, "unknown-layer");
  assert.deepEqual(session.setIds([1, 2, 3, 4, 5, 6, 7]).outputs[0].values, before);
});

test("results are copies: they outlive the session and the growth of memory", () => {
  const session = open("keras-2.15/classic").newSession();
  const run = session.setIds([1, 2, 3, 4, 5, 6, 7]);
  const kept = Array.from(run.signals[0].values);
  const before = memory.buffer.byteLength;
  const sample = readFileSync(SAMPLE);
  const held = [];
  while (memory.buffer.byteLength === before) held.push(engine.open(sample, "sample"));
  session.delete();
  assert.deepEqual(Array.from(run.signals[0].values), kept);
  assert.equal(run.signals[0].values.length, 7);
  for (const model of held) model.delete();
});

test("an engine compiled before answers as one that is compiled for itself; one that is none is refused", async () => {
  const { default: factory } = await import("../../build/wasm/engine.mjs");
  const compiled = new WebAssembly.Module(readFileSync(join(WASM_BUILD, "engine.wasm")));
  const rest = () => new WebAssembly.Module(readFileSync(join(WASM_BUILD, "engine.rest.wasm")));
  const [first, second] = [await Engine.load(factory, compiled, rest), await Engine.load(factory, compiled, rest)];
  const answer = (engine) => engine.open(readFileSync(SAMPLE), "sample").newSession().setText("win 900 now");
  assert.deepEqual(answer(first), answer(await loadEngine()));
  assert.deepEqual(answer(second), answer(first));
  const empty = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  await assert.rejects(Engine.load(factory, empty));
});

test("loading and deleting a model again and again does not leak", () => {
  const sample = readFileSync(SAMPLE);
  const cycle = () => {
    const model = engine.open(sample, "sample");
    const session = model.newSession();
    session.setText("free");
    session.delete();
    model.delete();
  };
  for (let i = 0; i < 5; i++) cycle();
  const before = memory.buffer.byteLength;
  for (let i = 0; i < 40; i++) cycle();
  assert.equal(memory.buffer.byteLength, before);
});

test("every code point of the text has a fate, and a position if it was read", () => {
  const model = open("keras-2.15/text_non_ascii");
  const session = model.newSession();
  const encoding = model.card.text;
  for (const text of ["", "a", "ΟΔΟΣ ΟΔΟΣ", "İstanbul", "a\ud800b", "👨‍👩‍👧‍👦 ok", "\r\n\t\0", "x".repeat(910)]) {
    const { text: map, ids, padding } = session.setText(text);
    const points = Array.from(text);
    assert.equal(map.length, points.length, JSON.stringify(text));
    for (const name of ["fate", "position", "count", "id"]) assert.equal(map[name].length, points.length, name);
    points.forEach((_, i) => {
      const read = map.fate[i] === Fate.Read || map.fate[i] === Fate.UnknownRead;
      assert.equal(map.position[i] >= 0, read);
      assert.equal(map.count[i] > 0, read);
      if (read) {
        assert.equal(ids[map.position[i]], map.id[i]);
        assert.equal(padding[map.position[i]], 0);
      }
    });
    const covered = map.count.reduce((sum, count) => sum + count, 0);
    assert.equal(covered + padding.reduce((sum, one) => sum + one, 0), encoding.length);
  }
});

test("a lone surrogate takes no neighbour with it", () => {
  const model = open("keras-2.15/classic").withText(JSON.stringify({ a: 1, b: 2 }), "v.json");
  const { text } = model.newSession().setText("a\ud800b");
  assert.deepEqual(Array.from(text.fate), [Fate.Read, Fate.UnknownDropped, Fate.Read]);
  assert.deepEqual(Array.from(text.position), [5, -1, 6]);
});

test("another vocabulary shares the weights and changes the ids", () => {
  const model = open("keras-2.15/classic");
  const other = model.withText(charsetEncoding("zyx"), "charset");
  assert.equal(other.card.text.tokens, 3);
  assert.equal(other.card.parameters, model.card.parameters);
  assert.deepEqual(Array.from(other.newSession().setText("xz").ids), [0, 0, 0, 0, 0, 3, 1]);
  assert.equal(problemsOf(() => model.withText(charsetEncoding("abcdefghijklmnop"), "charset"))[0].code, "id-out-of-range");
  assert.equal(problemsOf(() => charsetEncoding("aba"))[0].code, "charset-duplicate");
});

test("a vocabulary becomes the text object that the converter writes", () => {
  const vocabulary = readFileSync(join(FIXTURES, "keras-2.15/classic/vocab.json"), "utf8");
  assert.equal(engine.textObject(vocabulary, "vocab.json"), parse(fixtureBytes("keras-2.15/classic")).metadata.text);
  // Keys that look like numbers stay where their ids put them.
  assert.ok(engine.textObject('{"b": 2, "a": 3, "1": 1}', "v.json").startsWith('{"unit":"char","vocabulary":{"1":1,"b":2,"a":3},"num_words":null,"lower":true,"oov":"drop","pad":0,'));
  assert.equal(problemsOf(() => engine.textObject("[]", "v.json"))[0].where, "v.json");
});

test("a model without a vocabulary asks for one, and still runs on ids", () => {
  const model = open("keras-2.15/lambda_mean");
  assert.equal(model.card.text, null);
  assert.equal(problemsOf(() => model.newSession().setText("hello"))[0].code, "no-vocabulary");
  const [row] = kerasNumbers("keras-2.15/lambda_mean").cases[0].ids;
  assert.equal(model.newSession().setIds(row).outputs.length, 1);
});

test("a model of any length refuses a text of none, and says so", () => {
  const session = open("keras-2.15/any_length").withText(charsetEncoding("abc"), "charset").newSession();
  assert.equal(problemsOf(() => session.setText(""))[0].code, "empty-text");
  assert.equal(problemsOf(() => session.setText("???"))[0].code, "empty-text");
  assert.equal(session.setText("ab").ids.length, 2);
  assert.equal(session.setText("abcabcabcabc").ids.length, 12);
});

test("verify sees damage to the numbers it is given", () => {
  // The same bundle in its JSON form, with one of Keras's numbers changed, would fail its digest; so damage the model:
  // another vocabulary gives other ids for the same texts.
  const model = open("keras-2.15/classic").withText(charsetEncoding("etaoinshr"), "charset");
  const report = model.verify();
  assert.equal(report.agrees, false);
  assert.ok(report.cases.some((one) => !one.ids_agree));
  assert.ok(report.output_difference > 1e-5);
});

test("each of several inputs keeps what it was given; the others start empty", () => {
  const model = open("keras-2.15/format_inputs_outputs");
  const names = model.card.inputs.map((input) => input.layer);
  assert.deepEqual([...names].sort(), ["numbers", "text", "title"]);
  const { inputs } = kerasNumbers("keras-2.15/format_inputs_outputs").cases[0];
  const session = model.newSession();
  const at = (name) => names.indexOf(name);
  const first = session.setIds(inputs.text.ids[0], at("text"));
  assert.equal(first.input, at("text"));
  const { shape, values } = inputs.numbers.input;
  session.setInput(values.slice(0, values.length / shape[0]), [1, ...shape.slice(1)], at("numbers"));
  const all = session.setIds(inputs.title.ids[0], at("title"));
  assert.notDeepEqual(all.outputs[0].values, first.outputs[0].values);
  // Another session that is given the same in another order ends at the same numbers.
  const other = model.newSession();
  other.setIds(inputs.title.ids[0], at("title"));
  other.setInput(values.slice(0, values.length / shape[0]), [1, ...shape.slice(1)], at("numbers"));
  assert.deepEqual(other.setIds(inputs.text.ids[0], at("text")).outputs, all.outputs);
  assert.equal(problemsOf(() => session.setIds([1], 3))[0].code, "unknown-input");
});

test("watch limits the signals of a run; signal gives any of them", () => {
  const session = open("keras-2.15/attention_3d_block").newSession();
  const ids = kerasNumbers("keras-2.15/attention_3d_block").cases[0].ids[0];
  const [signal] = session.setIds(ids).signals;
  assert.deepEqual(signal.axes, ["feature", "step"]);
  session.watch([]);
  assert.deepEqual(session.setIds(ids).signals, []);
  assert.deepEqual(session.signal(signal.id), signal);
  session.watch(null);
  assert.deepEqual(session.setIds(ids).signals, [signal]);
  assert.equal(problemsOf(() => session.signal("none"))[0].code, "unknown-signal");
});

test("a choice that decides nothing in the model is refused", () => {
  const name = "keras-2.15/classic";
  const [problem] = problemsOf(() => engine.open(fixtureBytes(name), name, { "gru.reset": "true" }));
  assert.equal(problem.code, "choice-unknown");
  assert.match(problem.text, /gru\.reset/);
});

test("the card tells what the page shows", () => {
  const { card } = engine.open(readFileSync(SAMPLE), "sms-spam.safetensors");
  assert.equal(card.layers.length, 11);
  assert.equal(
    card.parameters,
    card.layers.reduce((sum, layer) => sum + layer.parameters, 0),
  );
  assert.deepEqual(card.labels, ["ham", "spam"]);
  assert.deepEqual(
    card.attention.map(({ id, kind, axes, shape, steps, queries, degenerate }) => ({ id, kind, axes, shape, steps, queries, degenerate })),
    [
      {
        id: "attention_vec",
        kind: "attention",
        axes: ["step"],
        shape: [250],
        steps: { input: 0, stride: 1, offset: 0, width: 1 },
        queries: null,
        degenerate: false,
      },
    ],
  );
  assert.deepEqual(card.outputs, [{ layer: "dense_1", shape: [null, 1], activation: "sigmoid" }]);
  assert.deepEqual(card.inputs, [{ layer: "input_1", shape: [null, 250], kind: "ids", text: card.text }]);
  assert.ok(card.examples.length >= 6 && card.examples.every((example) => example.text));
});
