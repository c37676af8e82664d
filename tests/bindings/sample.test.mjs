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
