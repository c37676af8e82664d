/** Running other programs: without a shell, without stdin, so that nothing can ever ask and wait. */
import { spawn } from "node:child_process";
import { ROOT } from "./paths.mjs";
import { duration, UserError } from "./say.mjs";

/**
 * @typedef {object} Options
 * @property {Record<string, string | undefined>} [env] set on top of this process's environment; undefined removes
 * @property {string} [cwd]
 * @property {number} [limit] milliseconds after which it is killed; without one it may take for ever
 * @property {boolean} [show] print the program's output as it comes, besides keeping it
 *
 * @typedef {object} Result
 * @property {number | null} code exit code; null when a signal ended it or it could not be started
 * @property {string} how "exit code 3", "signal SIGSEGV", "no end within 10 min 0 s" or "could not be started: ..."
 * @property {string} output stdout and stderr, in the order they came
 * @property {string} stdout
 * @property {number} milliseconds
 */

/** After this long without an end, and again after each such time, a line says that the program is still running. */
const HEARTBEAT_MS = 30_000;

/**
 * Runs a program to its end. Never throws for what the program does.
 * @param {string} command @param {string[]} args @param {Options} [options] @returns {Promise<Result>}
 */
export function run(command, args, { env = {}, cwd = ROOT, limit, show = false } = {}) {
  const started = performance.now();
  return new Promise((resolve) => {
    // NODE_TEST_CONTEXT makes a Node.js test process report to its parent in a private form instead of as it is told.
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const heartbeat = setInterval(() => {
      if (!show) console.log(`  … still working (${duration(performance.now() - started)})`);
    }, HEARTBEAT_MS);
    let tooLong = false;
    const guard = limit && setTimeout(() => {
      tooLong = true;
      child.kill("SIGKILL");
      // Its own children may live on and keep these open, which must not keep us waiting.
      child.stdout.destroy();
      child.stderr.destroy();
    }, limit);
    let output = "";
    let stdout = "";
    /** @param {number | null} code @param {string} how */
    const finish = (code, how) => {
      clearInterval(heartbeat);
      clearTimeout(guard);
      resolve({ code, how, output, stdout, milliseconds: performance.now() - started });
    };
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
      stdout += text;
      if (show) process.stdout.write(text);
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      output += text;
      if (show) process.stderr.write(text);
    });
    child.on("error", (error) => finish(null, `could not be started: ${error.message}`));
    child.on("close", (code, signal) => {
      if (tooLong && limit) finish(null, `no end within ${duration(limit)}`);
      else finish(code, signal ? `signal ${signal}` : `exit code ${code}`);
    });
  });
}

/**
 * Runs a program that has to succeed.
 * @param {string} command @param {string[]} args @param {Options} [options]
 * @throws {UserError} with the program's whole output when it does not exit with 0
 */
export async function must(command, args, options) {
  const result = await run(command, args, options);
  if (result.code !== 0) {
    const output = options?.show ? "" : `${result.output.trimEnd()}\n\n`;
    throw new UserError(`${output}${[command, ...args].join(" ")}: expected exit code 0, found ${result.how}.`);
  }
  return result;
}
