/**
 * npm run test:keras: real Kerases make every fixture again; their numbers are compared with the committed ones, and the
 * engine, as WebAssembly, with what they have just made. `npm run test:keras -- keras-2.15 keras-3` tests some generations only.
 *
 * A generation whose Python this machine lacks is skipped, and said so. Exit code 1 where anything differs, or nothing was
 * compared. What was made stays in build/keras/live.
 */
import "./lib/node_version.mjs";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import util from "node:util";
import { buildEngine } from "./lib/build.mjs";
import { compareFixtures } from "./lib/compare_fixtures.mjs";
import { findPython, FIXTURE_SCRIPTS, KERAS, makeEnvironment, selectGenerations } from "./lib/keras.mjs";
import { FIXTURE_CONVERTER } from "./lib/models.mjs";
import { PAGE_NEEDS } from "./lib/needs.mjs";
import { ROOT } from "./lib/paths.mjs";
import { must, run } from "./lib/run.mjs";
import { runSuite } from "./lib/run_suite.mjs";
import { done, duration, main, note, step, UserError } from "./lib/say.mjs";
import { setUp } from "./lib/setup.mjs";
import { runNodeTests } from "./lib/suites.mjs";
import { failure, lastLine, sum } from "./lib/tally.mjs";

/**
 * @typedef {import("./lib/keras.mjs").Generation} Generation
 * @typedef {import("./lib/tally.mjs").Tally} Tally
 * @typedef {{generation: Generation, tally: Tally, skipped?: string, milliseconds: number}} Row
 */

/** What Keras made against what is committed. @param {Generation} generation @param {string} live @param {string} output @returns {Tally} */
function compared({ name }, live, output) {
  const cases = compareFixtures(name, join(ROOT, "tests"), live, output);
  const failures = cases.flatMap((one) => (one.problems.length ? [`${name}/${one.name}: ${one.problems.join("; ")}`] : []));
  if (!cases.length) failures.push(`${name}: expected fixtures, found none`);
  return { passed: cases.length - failures.length, failed: failures.length, skipped: 0, failures, skips: [] };
}

/** gradients.json, of the fixtures just made. @param {{environment: string, backend: string}} by @param {string} python @param {string[]} command */
async function makeGradients(by, python, command) {
  const environment = await makeEnvironment(by, python);
  step(`Its gradients, on ${by.backend}`, "Several minutes.");
  return run(environment, [...command, "--gradients"], { env: { PYTHONHASHSEED: "0", KERAS_BACKEND: by.backend } });
}

/**
 * @param {Generation} generation @param {string} python @param {import("./lib/probe.mjs").Machine} machine @returns {Promise<Tally>}
 * @throws {UserError} where there is nothing to compare: no environment, no conversion
 */
async function testGeneration(generation, python, machine) {
  const { name, script } = generation;
  const environment = await makeEnvironment(generation, python);
  const live = join(KERAS, "live", name);
  rmSync(live, { recursive: true, force: true });
  step(`${name}: Keras makes the fixtures again`, "Several minutes.");
  const command = [join(FIXTURE_SCRIPTS, script), "--output", live];
  const made = await run(environment, command, { env: { PYTHONHASHSEED: "0" } });
  const derived = generation.gradients && (await makeGradients(generation.gradients, python, command));
  const tallies = [compared(generation, live, made.output)];
  if (!existsSync(join(live, "fixtures"))) throw new UserError(`${made.output.trimEnd()}\n\n${script}: expected fixtures, found none (${made.how}).`);
  // A case that fails is missing, and so told above; whatever else ends the script must not pass either.
  for (const { code, how } of derived ? [made, derived] : [made]) {
    if (code !== 0 && !tallies[0]?.failed) tallies.push(failure(`${name}: ${script} made every case and ended with ${how}`));
  }

  const bundles = join(live, "bundles");
  await must(machine.paths.python ?? "python3", [FIXTURE_CONVERTER, join(live, "fixtures"), bundles]);
  const env = { CHARGLOW_FIXTURES: join(live, "fixtures"), CHARGLOW_FIXTURE_BUNDLES: bundles };
  const engine = await runSuite(
    {
      name: `keras-live-${name}`,
      what: "the engine against what Keras has just made",
      needs: [],
      body: (tools) => runNodeTests(tools, `${name}, engine`, [join(ROOT, "tests", "bindings", "parity.test.mjs")], env),
    },
    machine,
  );
  if (engine.tally.failed) console.log(engine.output.trimEnd());
  return sum([...tallies, engine.tally]);
}

await main(async () => {
  const { positionals } = util.parseArgs({ allowPositionals: true });
  const generations = selectGenerations(positionals);
  const machine = await setUp(PAGE_NEEDS);
  await buildEngine(machine);

  /** @type {Row[]} */
  const rows = [];
  for (const generation of generations) {
    const { name, what, python: version } = generation;
    step(`${name}: ${what}`);
    const started = performance.now();
    const python = await findPython(version);
    if (!python) {
      const skipped = `no Python ${version} on $PATH or in pyenv (\`pyenv install ${version}\`)`;
      note(`${name} SKIPPED: ${skipped}`);
      rows.push({ generation, tally: { passed: 0, failed: 0, skipped: 1, failures: [], skips: [name] }, skipped, milliseconds: 0 });
      continue;
    }
    let tally;
    try {
      tally = await testGeneration(generation, python, machine);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      console.log(error.message);
      tally = failure(`${name}: ${error.message.trimEnd().split("\n").at(-1)}`);
    }
    const milliseconds = performance.now() - started;
    rows.push({ generation, tally, milliseconds });
    if (tally.failed) note(`${name} FAILED: ${tally.failed} of ${tally.passed + tally.failed}`);
    else done(`${name}: ${tally.passed} passed in ${duration(milliseconds)}`);
  }

  const total = sum(rows.map((row) => row.tally));
  console.log(`\n${"generation".padEnd(14)}${["passed", "failed", "time"].map((title) => title.padStart(12)).join("")}`);
  for (const { generation, tally, skipped, milliseconds } of rows) {
    const cells = skipped ? [] : [tally.passed, tally.failed, duration(milliseconds)];
    console.log(`${generation.name.padEnd(14)}${skipped ? `  skipped: ${skipped}` : cells.map((cell) => String(cell).padStart(12)).join("")}`);
  }
  if (total.failures.length) console.log(`\nFailed:\n${total.failures.map((name) => `  ${name}`).join("\n")}`);
  if (rows.every((row) => row.skipped)) console.log("\nNothing was compared: none of these Kerases runs on this machine.");
  console.log(`\n${lastLine(total)}`);
  return total.failed || rows.every((row) => row.skipped) ? 1 : 0;
});
