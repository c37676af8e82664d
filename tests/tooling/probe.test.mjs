/** What set-up sees on a machine: decided by programs on PATH, here faked ones. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { nodeModulesMatch, probe } from "../../scripts/lib/probe.mjs";
import { plan } from "../../scripts/lib/plan.mjs";

let folder;
let saved;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "charglow-probe-"));
  saved = { ...process.env };
  process.env.PATH = join(folder, "bin");
  for (const name of ["EMSDK", "CMAKE_PREFIX_PATH", "HOMEBREW_PREFIX", "CHROMIUM"]) delete process.env[name];
});

afterEach(() => {
  Object.assign(process.env, saved);
  rmSync(folder, { recursive: true });
});

/** A program that prints `output`. Its interpreter is named in full, since PATH leads nowhere. */
function fake(path, output, code = 0) {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\ncat <<'END'\n${output}\nEND\nexit ${code}\n`.replace("cat", "/bin/cat"));
  chmodSync(file, 0o755);
  return file;
}

function platformFile(root) {
  const modules = join(folder, root, "cmake", "Modules", "Platform");
  mkdirSync(modules, { recursive: true });
  writeFileSync(join(modules, "Emscripten.cmake"), "");
}

const none = new Set();

test("an empty PATH: no emcc, no CMake, no apt", async () => {
  const machine = await probe(["emcc", "cmake"], none);
  assert.equal(machine.found.emcc, undefined);
  assert.equal(machine.found.cmake, undefined);
  assert.equal(machine.apt, null);
  assert.equal(plan(machine, ["emcc", "cmake"])[0].kind, "by hand");
});

test("an emcc on PATH is used, with its own toolchain file", async () => {
  fake("bin/emcc", "emcc (Emscripten gcc/clang-like replacement) 3.1.69 (abc)");
  platformFile("bin");
  const machine = await probe(["emcc"], none);
  assert.equal(machine.found.emcc, "emcc 3.1.69");
  assert.equal(machine.paths.emscripten, join(folder, "bin"));
  assert.deepEqual(plan(machine, ["emcc"]), []);
});

test("EMSDK is used where emcc is not on PATH", async () => {
  fake("sdk/upstream/emscripten/emcc", "emcc 4.0.1");
  platformFile("sdk/upstream/emscripten");
  process.env.EMSDK = join(folder, "sdk");
  const machine = await probe(["emcc"], none);
  assert.equal(machine.paths.emscripten, join(folder, "sdk/upstream/emscripten"));
});

test("an emcc that is too old, or broken, counts as missing", async () => {
  platformFile("bin");
  fake("bin/emcc", "emcc 3.1.5");
  assert.equal((await probe(["emcc"], none)).found.emcc, undefined);
  fake("bin/emcc", "emcc 3.1.69", 1);
  assert.equal((await probe(["emcc"], none)).found.emcc, undefined);
});

test("a CMake that is too old counts as missing, and a later one on PATH is found", async () => {
  fake("bin/cmake", "cmake version 3.18.4");
  fake("bin2/cmake", "cmake version 3.25.1");
  assert.equal((await probe(["cmake"], none)).paths.cmake, undefined);
  process.env.PATH += `:${join(folder, "bin2")}`;
  const machine = await probe(["cmake"], none);
  assert.equal(machine.paths.cmake, join(folder, "bin2/cmake"));
  assert.equal(machine.paths.ctest, join(folder, "bin2/ctest"));
});

test("only the clang-format of the agreed version will do", async () => {
  // The repository's own Python environment may hold one.
  const own = (await probe(["clangFormat"], none)).paths.clangFormat;
  fake("bin/clang-format", "Ubuntu clang-format version 18.1.3");
  assert.equal((await probe(["clangFormat"], none)).paths.clangFormat, own);
  const right = fake("bin/clang-format-14", "Debian clang-format version 14.0.6");
  assert.equal((await probe(["clangFormat"], none)).paths.clangFormat, right);
});

test("apt needs root, or a sudo that does not ask", async (t) => {
  fake("bin/apt-get", "");
  t.mock.method(process, "getuid", () => 0);
  assert.equal((await probe([], none)).apt, "root");
  process.getuid.mock.mockImplementation(() => 1000);
  assert.equal((await probe([], none)).apt, "no rights");
  fake("bin/sudo", "sudo: a password is required", 1);
  assert.equal((await probe([], none)).apt, "no rights");
  fake("bin/sudo", "");
  assert.equal((await probe([], none)).apt, "sudo");
});

test("node_modules is compared with package-lock.json, package by package", () => {
  const write = (name, packages) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), JSON.stringify({ packages }));
  };
  const a = { version: "1.0.0" };
  const inModules = "node_modules/.package-lock.json";
  write("package-lock.json", { "": {}, "node_modules/a": a, "node_modules/mac": { version: "2.0.0", optional: true } });
  assert.equal(nodeModulesMatch(folder), false, "not installed");
  write(inModules, { "node_modules/a": a });
  assert.equal(nodeModulesMatch(folder), false, "the package's folder was deleted");
  write("node_modules/a/package.json", {});
  assert.equal(nodeModulesMatch(folder), true);
  write(inModules, { "node_modules/a": { version: "0.9.0" } });
  assert.equal(nodeModulesMatch(folder), false, "an older version");
  write(inModules, {});
  assert.equal(nodeModulesMatch(folder), false, "a package is missing");
});
