/** The processes and workers that contestants run in. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/**
 * @typedef {object} Host
 * @property {(request: Record<string, unknown>) => Promise<any>} ask sends a request, one at a time; rejects where the
 *   contestant answers with an error or dies
 * @property {() => Promise<void>} close
 */

/** @param {string} name @param {any} reply */
function unwrap(name, reply) {
  if (reply.error) throw new Error(`${name}: ${reply.error}`);
  return reply;
}

/**
 * A program that answers each line of JSON with one.
 * @param {string} name for messages @param {string} command @param {string[]} args @param {Record<string, string>} [env]
 * @returns {Host}
 */
export function processHost(name, command, args, env = {}) {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "pipe"] });
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    complaints = (complaints + text).slice(-4000);
  });
  /** @type {{resolve: (reply: any) => void, reject: (error: Error) => void} | null} */
  let waiting = null;
  /** @type {string | null} */
  let ended = null;
  const end = (/** @type {string} */ how) => {
    ended ??= how;
    waiting?.reject(new Error(`${name}: expected an answer, found ${ended}\n${complaints}`));
    waiting = null;
  };
  child.on("error", (error) => end(`a program that does not start: ${error.message}`));
  child.on("close", (code, signal) => end(`the end of the program (${signal ?? `exit code ${code}`})`));
  child.stdin.on("error", () => {}); // it died: "close" says so
  createInterface({ input: child.stdout }).on("line", (line) => {
    const asked = waiting;
    waiting = null;
    asked?.resolve(line);
  });
  return {
    ask: async (request) => {
      if (ended) throw new Error(`${name}: expected a running program, found ${ended}\n${complaints}`);
      const line = await new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        child.stdin.write(`${JSON.stringify(request)}\n`);
      });
      return unwrap(name, JSON.parse(line));
    },
    close: async () => {
      if (ended) return;
      const closed = new Promise((resolve) => child.once("close", resolve));
      child.stdin.end();
      await closed;
    },
  };
}

/**
 * A worker in a page of the benchmark's own (page/index.html).
 * @param {string} name @param {import("playwright-core").Page} page @returns {Host}
 */
export function workerHost(name, page) {
  return {
    ask: async (request) => unwrap(name, await page.evaluate(([who, what]) => /** @type {any} */ (globalThis).ask(who, what), /** @type {const} */ ([name, request]))),
    close: () => page.evaluate((who) => /** @type {any} */ (globalThis).end(who), name),
  };
}
