// The registry, the fixtures of real Keras and the README's table of layers say the same.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { loadEngine } from "../../scripts/lib/engine.mjs";
import { ROOT } from "../../scripts/lib/paths.mjs";
import { readmeWithTable } from "../../scripts/lib/readme_table.mjs";

test("README.md says what runs: `npm run table` changes nothing", async () => {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  assert.equal(readmeWithTable(readme, await loadEngine()), readme);
});
