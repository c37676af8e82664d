// The WebAssembly engine against Keras: the sample model of the page.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { loadEngine } from "../../scripts/lib/engine.mjs";
import { SAMPLE } from "./support.mjs";

const engine = await loadEngine();

test("the sample model agrees with Keras, texts of 0 to 910 characters included", () => {
  const report = engine.open(readFileSync(SAMPLE), "sms-spam.safetensors").verify();
  assert.deepEqual(
    report.cases.filter((one) => !one.agrees),
    [],
  );
  assert.ok(report.agrees);
  assert.ok(report.output_difference <= 1e-5 && report.attention_difference <= 1e-6);
  assert.match(report.made_with, /^Keras 2\.15/);
  assert.ok(
    report.cases.some((one) => one.name.includes("910")),
    report.cases.map((one) => one.name).join(", "),
  );
});

test("a case at a time, other runs in between, gives the report of all at once", () => {
  const model = engine.open(readFileSync(SAMPLE), "sms-spam.safetensors");
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
