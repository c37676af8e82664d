// The engine's split, as far as it can be told without an engine: tests/bindings/split.test.mjs has the rest.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { builtEngines } from "../../scripts/lib/paths.mjs";
import { UserError } from "../../scripts/lib/say.mjs";
import { findWasmSplit, keepWhole, splitEngines } from "../../scripts/lib/split.mjs";

const folder = mkdtempSync(join(os.tmpdir(), "charglow-split-"));
after(() => rmSync(folder, { recursive: true }));

test("wasm-split is the one of Emscripten's own Binaryen, or none", () => {
  const binaryen = join(folder, "binaryen");
  mkdirSync(join(binaryen, "bin"), { recursive: true });
  assert.equal(findWasmSplit(binaryen), undefined);
  writeFileSync(join(binaryen, "bin", "wasm-split"), "");
  assert.equal(findWasmSplit(binaryen), join(binaryen, "bin", "wasm-split"));
});

test("without it an engine stays in one piece, and no rest of an earlier one stays beside it", () => {
  const [whole, target] = ["whole", "target"].map((name) => join(folder, name));
  for (const each of [whole, target]) mkdirSync(each);
  for (const name of ["engine", "engine-scalar"]) {
    writeFileSync(join(whole, `${name}.wasm`), `new ${name}`);
    writeFileSync(join(target, `${name}.wasm`), "old");
    writeFileSync(join(target, `${name}.rest.wasm`), "old");
  }
  keepWhole(whole, ["engine", "engine-scalar"], target);
  assert.equal(readFileSync(join(target, "engine-scalar.wasm"), "utf8"), "new engine-scalar");
  assert.deepEqual([existsSync(join(target, "engine.rest.wasm")), existsSync(join(target, "engine-scalar.rest.wasm"))], [false, false]);
});

test("a rest is no engine of its own", () => {
  const built = join(folder, "built");
  mkdirSync(built);
  for (const file of ["engine.wasm", "engine.rest.wasm", "engine-scalar.wasm", "engine-scalar.rest.wasm", "engine.mjs"]) writeFileSync(join(built, file), "");
  assert.deepEqual(builtEngines(built), ["engine", "engine-scalar"]);
});

test("a wasm-split that fails is told with what it said", async () => {
  const tool = join(folder, "failing");
  writeFileSync(tool, "#!/bin/sh\necho unknown option >&2\nexit 7\n", { mode: 0o755 });
  await assert.rejects(splitEngines(folder, ["engine"], tool, "sample", folder), (error) => error instanceof UserError && /unknown option[^]*exit code 0, found exit code 7/.test(error.message));
});
