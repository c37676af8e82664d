/**
 * npm test: sets up what is missing and runs every test. `npm test -- engine page` runs some suites only.
 *
 * The last line is "N passed, N failed", with ", N skipped" where any are.
 */
import "./lib/node_version.mjs";
import util from "node:util";
import { runSuite } from "./lib/run_suite.mjs";
import { done, duration, main, step, UserError } from "./lib/say.mjs";
import { setUp } from "./lib/setup.mjs";
import { select } from "./lib/suites.mjs";
import { failure, lastLine, sum } from "./lib/tally.mjs";

await main(async () => {
  const { positionals } = util.parseArgs({ allowPositionals: true });
  const suites = select(positionals);
  let machine;
  try {
    machine = await setUp([...new Set(suites.flatMap((suite) => suite.needs))]);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.log(`\n${error.message}\n\n${lastLine(failure("set-up"))}`);
    return 1;
  }

  const rows = [];
  for (const suite of suites) {
    step(`${suite.name}: ${suite.what}`);
    const result = await runSuite(suite, machine);
    rows.push({ suite, ...result });
    if (result.tally.failed) console.log(`${result.output.trimEnd()}\n✗ ${suite.name}: ${result.tally.failed} failed\n`);
    else done(`${suite.name}: ${result.tally.passed} passed in ${duration(result.milliseconds)}`);
  }

  const total = sum(rows.map((row) => row.tally));
  console.log(`\n${"suite".padEnd(18)}${["passed", "failed", "skipped", "time"].map((title) => title.padStart(12)).join("")}`);
  for (const { suite, tally, milliseconds } of rows) {
    const cells = [tally.passed, tally.failed, tally.skipped, duration(milliseconds)];
    console.log(`${suite.name.padEnd(18)}${cells.map((cell) => String(cell).padStart(12)).join("")}`);
  }
  if (total.skips.length) console.log(`\nSkipped:\n${total.skips.map((name) => `  ${name}`).join("\n")}`);
  if (total.failures.length) console.log(`\nFailed:\n${total.failures.map((name) => `  ${name}`).join("\n")}`);
  console.log(`\n${lastLine(total)}`);
  return total.failed ? 1 : 0;
});
