// The WebAssembly engine against Keras: the models of the page's gallery, and what their cards say of them.

import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { loadEngine } from "../../scripts/lib/engine.mjs";
import { MODELS, PUBLIC_GALLERY, PUBLIC_MODELS, ROOT } from "../../scripts/lib/paths.mjs";

const engine = await loadEngine();
const gallery = JSON.parse(readFileSync(PUBLIC_GALLERY, "utf8"));
const bundle = (id) => join(PUBLIC_MODELS, `${id}.safetensors`);
const open = (id) => engine.open(readFileSync(bundle(id)), `${id}.safetensors`);

/** The rows of the card's table of examples: what Keras answered to each, and how sure it was. */
function answers(card) {
  const lines = readFileSync(join(ROOT, card), "utf8").split("\n");
  const start = lines.indexOf("| example | answer | probability |");
  assert.notEqual(start, -1, `${card}: a table of the examples`);
  const after = lines.slice(start + 2);
  const rows = after.slice(0, after.findIndex((line) => !line.startsWith("|")));
  return rows.map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
}

/** [class, probability] that a text is given; a single sigmoid unit is the probability of the second class. */
function answer(session, labels, text) {
  const [{ values }] = session.setText(text).outputs;
  const given = values.length === 1 ? [1 - values[0], values[0]] : [...values];
  assert.equal(given.length, labels.length);
  const most = Math.max(...given);
  return [labels[given.indexOf(most)], most];
}

test("the gallery begins with the model that the page opens", () => {
  assert.equal(gallery[0].id, "sms-spam");
  assert.ok(gallery.length >= 4, gallery.map(({ id }) => id).join(", "));
});

for (const { id, title, kind, bytes, card } of gallery) {
  test(`${id}: what the gallery says of it is so`, () => {
    const { card: opened } = open(id);
    assert.equal(title, opened.title);
    assert.equal(bytes, statSync(bundle(id)).size);
    assert.equal(card, `web/models/${id}/README.md`);
    assert.ok(opened.licence && opened.labels.length > 1 && opened.attention.length > 0);
    assert.ok(opened.examples.length >= 4 && opened.examples.every((example) => example.title && example.note));
  });

  test(`${id} agrees with Keras, no text and texts of more than its timesteps included`, () => {
    const model = open(id);
    const report = model.verify();
    assert.deepEqual(report.cases.filter((one) => !one.agrees), []);
    assert.ok(report.agrees);
    assert.ok(report.output_difference <= 1e-5 && report.attention_difference <= 1e-6);
    const [, keras] = /Keras (\d+(\.\d+)*)/.exec(kind);
    assert.match(report.made_with, new RegExp(`^Keras ${keras.replaceAll(".", "\\.")}[.,]`));
    const { cases } = JSON.parse(readFileSync(join(MODELS, id, "parity.json"), "utf8"));
    assert.equal(report.cases.length, cases.length);
    assert.ok(cases.some(({ text }) => text === ""));
    const timesteps = model.card.inputs[0].shape[1];
    assert.ok(cases.some(({ text, attention }) => attention && text.split(model.card.text.unit === "word" ? " " : "").length > timesteps));
    for (const { text } of model.card.examples) assert.ok(cases.some((one) => one.text === text), text);
  });

  test(`${id} answers to its examples what its card says`, () => {
    const model = open(id);
    const session = model.newSession();
    const told = answers(card);
    assert.deepEqual(told.map(([name]) => name), model.card.examples.map((example) => example.title));
    for (const [index, { text }] of model.card.examples.entries()) {
      const [, label, probability] = told[index];
      const [said, given] = answer(session, model.card.labels, text);
      assert.equal(said, label, text);
      assert.ok(Math.abs(given - Number(probability)) <= 0.0005 + 1e-6, `${text}: ${given}, the card says ${probability}`);
    }
  });

  test(`${id}: its attention on the examples sums to 1 and is worth looking at`, () => {
    const model = open(id);
    const session = model.newSession();
    const sharpest = model.card.examples.map(({ text }) => {
      const rows = session.setText(text).signals.flatMap(({ shape, values }) => {
        const steps = shape.at(-1);
        return Array.from({ length: values.length / steps }, (_, row) => values.slice(row * steps, (row + 1) * steps));
      });
      for (const row of rows) assert.ok(Math.abs(row.reduce((sum, weight) => sum + weight, 0) - 1) < 1e-4, text);
      // In times of what each step would get of a flat attention; masked ones get none.
      return Math.max(...rows.map((row) => Math.max(...row) * row.filter((weight) => weight > 0).length));
    });
    assert.ok(Math.min(...sharpest) > 1.25 && Math.max(...sharpest) > 2, sharpest.join(", "));
  });
}

test("a case at a time, other runs in between, gives the report of all at once", () => {
  const model = open("sms-spam");
  const session = model.newSession();
  const verification = model.verification();
  assert.equal(verification.report(), null);
  let cases = 0;
  while (verification.next()) {
    session.setText("x".repeat(++cases));
    assert.equal(verification.report().cases.length, cases);
  }
  assert.equal(cases, model.card.parity_cases);
  assert.equal(verification.next(), false);
  assert.deepEqual(verification.report(), model.verify());
  verification.delete();
});
