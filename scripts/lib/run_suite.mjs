/** Runs one suite and says what came of it. */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { REPORTS } from "./paths.mjs";
import { run } from "./run.mjs";
import { UserError } from "./say.mjs";
import { failure, sum, tally } from "./tally.mjs";

/** A program that runs longer hangs. All suites together take less. */
const LIMIT_MS = 15 * 60_000;

/**
 * @param {import("./suites.mjs").Suite} suite
 * @param {import("./probe.mjs").Machine} machine
 * @param {string} [reports] folder for the JUnit reports
 * @returns {Promise<{tally: import("./tally.mjs").Tally, output: string, milliseconds: number}>} output: what to show where it failed
 */
export async function runSuite(suite, machine, reports = REPORTS) {
  const started = performance.now();
  /** @type {import("./tally.mjs").Tally[]} */
  const tallies = [];
  let output = "";
  let programs = 0;
  mkdirSync(reports, { recursive: true });

  /** @type {import("./suites.mjs").Tools["single"]} */
  const single = async (label, command, args) => {
    const result = await run(command, args, { limit: LIMIT_MS });
    const one = tally({ label, code: result.code, how: result.how, report: null, single: true });
    tallies.push(one);
    if (one.failed) output += result.output;
  };
  /** @type {import("./suites.mjs").Tools["reported"]} */
  const reported = async (label, command, args, { env = {}, files = [] } = {}) => {
    const path = join(reports, `${suite.name}-${programs++}.xml`);
    // The report of an earlier run must not pass for this one's.
    rmSync(path, { force: true });
    const result = await run(command, args(path), { env, limit: LIMIT_MS });
    const report = existsSync(path) ? readFileSync(path, "utf8") : null;
    const one = tally({ label, code: result.code, how: result.how, report, single: false, files });
    tallies.push(one);
    if (one.failed) output += result.output;
  };

  try {
    await suite.body({ machine, single, reported });
    if (!tallies.length) tallies.push(failure(`${suite.name}: expected tests, found none`));
  } catch (error) {
    // What the tests stand on could not be made: a build that fails, a folder without tests.
    const text = error instanceof UserError ? error.message : String(error instanceof Error ? error.stack : error);
    tallies.push(failure(`${suite.name}: ${text.trimEnd().split("\n").at(-1)}`));
    output += `${text}\n`;
  }
  return { tally: sum(tallies), output, milliseconds: performance.now() - started };
}
