/** Suites as real processes: what crashes, hangs on to old reports or never starts must not look like success. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { run } from "../../scripts/lib/run.mjs";
import { runSuite } from "../../scripts/lib/run_suite.mjs";
import { UserError } from "../../scripts/lib/say.mjs";
import { select, SUITES } from "../../scripts/lib/suites.mjs";

let folder;
before(() => (folder = mkdtempSync(join(tmpdir(), "charglow-suite-"))));
after(() => rmSync(folder, { recursive: true }));

/** Runs a suite whose body is given, and returns [passed, failed, skipped] and the rest. */
async function outcome(body) {
  const { tally, output } = await runSuite({ name: "example", what: "", needs: [], body }, {}, folder);
  return { numbers: [tally.passed, tally.failed, tally.skipped], failures: tally.failures, output };
}

/** `node --test` on a file with this source, reporting as the real suites do. */
const nodeTest = (source) => async ({ reported }) => {
  const file = join(folder, "example.test.mjs");
  writeFileSync(file, source);
  const args = (report) => ["--test", "--test-reporter=junit", `--test-reporter-destination=${report}`, file];
  await reported("node", process.execPath, args, { files: [file] });
};

test("a suite that passes", async () => {
  const result = await outcome(nodeTest('import { test } from "node:test"; test("a", () => {}); test.skip("b", () => {});'));
  assert.deepEqual(result.numbers, [1, 0, 1]);
  assert.equal(result.output, "");
});

test("a suite with a failing test", async () => {
  const source = 'import { test } from "node:test"; test("a", () => {}); test("b", () => { throw new Error("broken"); });';
  const result = await outcome(nodeTest(source));
  assert.deepEqual(result.numbers, [1, 1, 0]);
  assert.deepEqual(result.failures, ["node: b"]);
});

test("a test file that ends its process halfway", async () => {
  const result = await outcome(nodeTest('import { test } from "node:test"; test("a", () => {}); test("b", () => process.exit(0));'));
  assert.equal(result.numbers[1] > 0, true, JSON.stringify(result));
});

test("a test file that cannot be loaded", async () => {
  assert.deepEqual((await outcome(nodeTest("syntax error"))).numbers, [0, 1, 0]);
});

test("a test file without tests", async () => {
  assert.deepEqual((await outcome(nodeTest(""))).numbers, [0, 1, 0]);
});

test("the report of an earlier run is not taken for this one's", async () => {
  assert.deepEqual((await outcome(nodeTest('import { test } from "node:test"; test("a", () => {});'))).numbers, [1, 0, 0]);
  const crash = await outcome(({ reported }) => reported("crash", process.execPath, () => ["-e", "process.abort()"]));
  assert.deepEqual(crash.numbers, [0, 1, 0]);
  assert.match(crash.failures[0], /expected a JUnit report, found none \(signal SIGABRT\)/);
});

test("a program that is not there", async () => {
  const result = await outcome(({ single }) => single("gone", join(folder, "no-such-program"), []));
  assert.deepEqual(result.numbers, [0, 1, 0]);
  assert.match(result.failures[0], /could not be started/);
});

test("a build that fails is one failure, with its output", async () => {
  const result = await outcome(async () => {
    throw new UserError("error: expected ';'\nninja: build stopped");
  });
  assert.deepEqual(result.numbers, [0, 1, 0]);
  assert.deepEqual(result.failures, ["example: ninja: build stopped"]);
  assert.match(result.output, /expected ';'/);
});

test("a suite that runs nothing is a failure", async () => {
  assert.deepEqual((await outcome(async () => {})).numbers, [0, 1, 0]);
});

test("what a failing program prints is kept whole and in order", async () => {
  const source = 'console.log("first"); console.error("x".repeat(200000)); process.exitCode = 3';
  const { code, output } = await run(process.execPath, ["-e", source]);
  assert.equal(code, 3);
  assert.match(output, /^first\n/);
  assert.equal(output.length, "first\n".length + 200_001);
});

test("a program that hangs is killed, even when a child of its own holds on to the output", async () => {
  const source = `
    const child = require("node:child_process").spawn("sleep", ["60"], { stdio: "inherit" });
    console.log(child.pid);
    setInterval(() => {}, 1000);`;
  const { code, how, stdout, milliseconds } = await run(process.execPath, ["-e", source], { limit: 3000 });
  if (stdout) process.kill(Number(stdout));
  assert.deepEqual([code, how], [null, "no end within 3.0 s"]);
  assert.ok(milliseconds < 50_000, "it waited for the child's child, which takes a minute");
});

test("programs get no stdin, so that none can wait for an answer", async () => {
  const source = 'process.stdin.on("end", () => console.log("end")).resume()';
  const { code, stdout } = await run(process.execPath, ["-e", source], { limit: 20_000 });
  assert.deepEqual([code, stdout], [0, "end\n"]);
});

test("suites are chosen by name or by the beginning of their name", () => {
  assert.deepEqual(
    select([]).map((suite) => suite.name),
    SUITES.map((suite) => suite.name).filter((name) => name !== "engine-gcc"),
  );
  assert.deepEqual(
    select(["engine"]).map((suite) => suite.name),
    ["engine-gcc", "engine-sanitize"],
  );
  assert.deepEqual(
    select(["page-unit", "format"]).map((suite) => suite.name),
    ["format", "page-unit"],
  );
  assert.throws(() => select(["engin"]), /expected suites among tooling, .* found engin\./);
});
