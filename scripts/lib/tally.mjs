/**
 * Turns what a suite's programs did into passed, failed and skipped. Pure, and strict: whatever is not clearly a success
 * counts as at least one failure.
 *
 * @typedef {object} Run one program of a suite
 * @property {string} label
 * @property {number | null} code exit code; null for a signal or when it could not be started
 * @property {string} how the same in words
 * @property {string | null} report content of its JUnit report; null where it wrote none
 * @property {boolean} single the program is itself one test (it has no report): its exit code decides
 * @property {string[]} [files] test files it was given, as it names them where a file holds no test
 *
 * @typedef {object} Tally
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {string[]} failures what failed, by name
 * @property {string[]} skips what was skipped, by name
 */
import { readJunit } from "./junit.mjs";
import { UserError } from "./say.mjs";

/** @param {string} failure @returns {Tally} */
export const failure = (failure) => ({ passed: 0, failed: 1, skipped: 0, failures: [failure], skips: [] });

/** @param {Run} run @returns {Tally} */
export function tally({ label, code, how, report, single, files = [] }) {
  if (single) return code === 0 ? { passed: 1, failed: 0, skipped: 0, failures: [], skips: [] } : failure(`${label}: ${how}`);
  if (report === null) return failure(`${label}: expected a JUnit report, found none (${how})`);

  let cases;
  try {
    cases = readJunit(report, label);
  } catch (error) {
    if (error instanceof UserError) return failure(`${error.message} (${how})`);
    throw error;
  }
  // Node.js reports a test file without tests as one passed test that has the file's name.
  const empty = new Set(cases.filter((test) => test.outcome === "passed" && files.some((file) => test.name.endsWith(file))));
  const failures = [
    ...cases.filter((test) => test.outcome === "failed").map((test) => `${label}: ${test.name}`),
    ...[...empty].map((test) => `${label}: ${test.name}: expected tests, found none`),
  ];
  const passed = cases.filter((test) => test.outcome === "passed").length - empty.size;
  const skips = cases.filter((test) => test.outcome === "skipped").map((test) => `${label}: ${test.name}`);
  if (passed + failures.length === 0) failures.push(`${label}: expected tests, found ${skips.length ? "only skipped ones" : "none"} (${how})`);
  else if (code !== 0 && failures.length === 0) failures.push(`${label}: no test failed, but it ended with ${how}`);
  return { passed, failed: failures.length, skipped: skips.length, failures, skips };
}

/** @param {Tally[]} tallies @returns {Tally} */
export function sum(tallies) {
  return {
    passed: tallies.reduce((total, one) => total + one.passed, 0),
    failed: tallies.reduce((total, one) => total + one.failed, 0),
    skipped: tallies.reduce((total, one) => total + one.skipped, 0),
    failures: tallies.flatMap((one) => one.failures),
    skips: tallies.flatMap((one) => one.skips),
  };
}

/** The last line of `npm test`. @param {Tally} total */
export const lastLine = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`;
