/** What set-up decides on machines of different kinds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NEEDS, PAGE_NEEDS } from "../../scripts/lib/needs.mjs";
import { plan } from "../../scripts/lib/plan.mjs";

/** A machine on which nothing is there and nothing can be installed. */
const BARE = { found: {}, apt: null, brew: false, venv: false, venvMaker: null, clangMajor: null, failed: new Set() };
const all = (needs) => Object.fromEntries(needs.map((need) => [need, "there"]));
const without = (needs, ...left) => all(needs.filter((need) => !left.includes(need)));
const kinds = (steps) => steps.map((step) => step.kind);

test("nothing is done where everything is there", () => {
  assert.deepEqual(plan({ ...BARE, found: all(PAGE_NEEDS) }, PAGE_NEEDS), []);
});

test("a fresh Debian as root: apt first, then the Python environment, then npm", () => {
  const steps = plan({ ...BARE, apt: "root" }, PAGE_NEEDS);
  assert.deepEqual(kinds(steps), ["apt", "venv", "pip", "npm"]);
  assert.deepEqual(steps[0].packages, [
    ...["emscripten", "cmake", "ninja-build", "libeigen3-dev", "nlohmann-json3-dev", "python3", "python3-venv"],
  ]);
  assert.equal(steps[0].sudo, false);
  assert.deepEqual(steps[2].requirements, ["scripts/requirements.txt"]);
});

test("npm start never asks for what only the tests need", () => {
  const [apt] = plan({ ...BARE, apt: "root" }, PAGE_NEEDS);
  for (const name of ["chromium", "clang", "g++", "libgtest-dev"]) assert.ok(!apt.packages.includes(name), name);
});

test("sudo is used where it needs no password", () => {
  const [apt] = plan({ ...BARE, apt: "sudo", found: without(PAGE_NEEDS, "emcc") }, PAGE_NEEDS);
  assert.deepEqual(apt, { kind: "apt", packages: ["emscripten"], needs: ["emcc"], sudo: true });
});

test("without rights nothing is installed, and the message has the whole command", () => {
  const steps = plan({ ...BARE, apt: "no rights", venvMaker: "/usr/bin/python3" }, PAGE_NEEDS);
  assert.deepEqual(kinds(steps), ["by hand"]);
  const command = /^ {2}sudo apt-get update && sudo apt-get install --no-install-recommends (.*)$/m.exec(steps[0].message);
  assert.deepEqual(command?.[1].split(" "), ["emscripten", "libeigen3-dev", "nlohmann-json3-dev"]);
  assert.match(steps[0].message, /Eigen, the engine's linear algebra/);
});

test("without rights and without Python's venv module, the command names Debian's package for it", () => {
  const [step] = plan({ ...BARE, apt: "no rights", found: without(PAGE_NEEDS, "npm", "converter") }, PAGE_NEEDS);
  assert.equal(step.kind, "by hand");
  assert.match(step.message, /install --no-install-recommends python3-h5py python3-numpy$/m);
  const [tests] = plan({ ...BARE, apt: "no rights" }, ["pytest"]);
  assert.match(tests.message, /install --no-install-recommends python3 python3-venv$/m);
});

test("an emsdk, CMake and Eigen that are there are used: only the rest is installed", () => {
  const found = without(PAGE_NEEDS, "converter", "npm");
  const steps = plan({ ...BARE, apt: "no rights", found, venvMaker: "/usr/bin/python3" }, PAGE_NEEDS);
  assert.deepEqual(kinds(steps), ["venv", "pip", "npm"]);
  assert.equal(steps[0].python, "/usr/bin/python3");
});

test("CMake and Ninja come from PyPI where apt has failed", () => {
  const found = without(PAGE_NEEDS, "cmake", "ninja");
  const [venv, pip] = plan({ ...BARE, apt: "root", found, venvMaker: "/usr/bin/python3", failed: new Set(["apt"]) }, PAGE_NEEDS);
  assert.equal(venv.kind, "venv");
  assert.deepEqual(pip, { kind: "pip", requirements: ["scripts/requirements-build.txt"], needs: ["cmake", "ninja"] });
});

test("h5py and numpy come from apt where PyPI has failed", () => {
  const facts = { ...BARE, apt: "root", found: without(PAGE_NEEDS, "converter"), venv: true, failed: new Set(["pip"]) };
  const [step, ...rest] = plan(facts, PAGE_NEEDS);
  assert.deepEqual(step.packages, ["python3-h5py", "python3-numpy"]);
  assert.deepEqual(rest, []);
});

test("where apt and PyPI have both failed, it is said and the loop ends", () => {
  const failed = new Set(["apt", "pip"]);
  const [step] = plan({ ...BARE, apt: "root", venv: true, found: without(PAGE_NEEDS, "converter"), failed }, PAGE_NEEDS);
  assert.equal(step.kind, "by hand");
  assert.match(step.message, /apt-get was tried/);
  assert.match(step.message, /python3-h5py python3-numpy/);
});

test("clang's sanitizers are those of the clang that is there, and wait for it where it is not", () => {
  const needs = ["clang", "sanitizers"];
  assert.deepEqual(plan({ ...BARE, apt: "root" }, needs), [{ kind: "apt", packages: ["clang"], needs: ["clang"], sudo: false }]);
  const [step] = plan({ ...BARE, apt: "root", found: { clang: "clang++ 19.1.7" }, clangMajor: 19 }, needs);
  assert.deepEqual(step.packages, ["libclang-rt-19-dev"]);
});

test("on a Mac with Homebrew the message is a brew command", () => {
  const [step] = plan({ ...BARE, brew: true, venvMaker: "/usr/bin/python3" }, PAGE_NEEDS);
  assert.equal(step.kind, "by hand");
  assert.match(step.message, /^ {2}brew install emscripten eigen nlohmann-json$/m);
  assert.doesNotMatch(step.message, /apt-get/);
});

test("an existing environment is filled up, not made again", () => {
  const steps = plan({ ...BARE, venv: true, found: without(PAGE_NEEDS, "converter") }, PAGE_NEEDS);
  assert.deepEqual(kinds(steps), ["pip"]);
});

test("every need says what it is for and has a way to get it", () => {
  for (const [need, { what, ways }] of Object.entries(NEEDS)) {
    assert.ok(what.length > 10, need);
    assert.ok(ways.length > 0, need);
  }
});
