/**
 * The test suites of `npm test`, in the order they run: what is quick and what others rest on comes first.
 *
 * @typedef {import("./needs.mjs").Need} Need
 *
 * @typedef {object} Tools what a suite's body works with
 * @property {import("./probe.mjs").Machine} machine
 * @property {(label: string, command: string, args: string[]) => Promise<void>} single runs a program that is one test
 * @property {(label: string, command: string, args: (report: string) => string[], options?: {env?: Record<string, string>, files?: string[]}) => Promise<void>} reported
 *   runs a program that writes a JUnit report to the path it is given
 *
 * @typedef {object} Suite
 * @property {string} name `npm test -- engine` runs "engine-sanitize" and all others that start so
 * @property {string} what
 * @property {Need[]} needs
 * @property {boolean} [onRequest] runs only where it is named
 * @property {(tools: Tools) => Promise<void>} body
 */
import os from "node:os";
import { join, relative } from "node:path";
import { buildEngine, buildPage, cmakeBuild } from "./build.mjs";
import { cppSources } from "./cpp_sources.mjs";
import { convertFixtures, convertModels, recordConversions } from "./models.mjs";
import { PAGE_NEEDS } from "./needs.mjs";
import { BUILD, ROOT } from "./paths.mjs";
import { done, duration, UserError } from "./say.mjs";
import { filesBelow } from "./stamp.mjs";

/**
 * Test files for Node.js's own runner, named one by one: what `node --test FOLDER` takes for a test changed between Node.js 20 and 22.
 * @param {Pick<Tools, "reported">} tools @param {string} label @param {string[]} files @param {Record<string, string>} [env]
 * @param {number} [atOnce] files that run side by side
 */
export async function runNodeTests({ reported }, label, files, env = {}, atOnce = 1) {
  const args = (/** @type {string} */ report) => [
    "--test",
    `--test-concurrency=${atOnce}`,
    "--test-reporter=spec",
    "--test-reporter-destination=stdout",
    "--test-reporter=junit",
    `--test-reporter-destination=${report}`,
    ...files,
  ];
  await reported(label, process.execPath, args, { env, files });
}

/** @param {Tools} tools @param {string} folder below the root @param {Record<string, string>} [env] @param {number} [atOnce] */
async function nodeTests(tools, folder, env = {}, atOnce = 1) {
  const files = filesBelow(join(ROOT, folder)).filter((file) => /\.test\.mjs$/.test(file));
  if (!files.length) throw new UserError(`${folder}: expected files named *.test.mjs, found none.`);
  await runNodeTests(tools, folder, files, env, atOnce);
}

/** @param {string} preset @returns {Suite["body"]} */
const engineTests = (preset) => async (tools) => {
  const { machine, reported } = tools;
  await convertFixtures(machine);
  const started = performance.now();
  if (await cmakeBuild(preset, machine)) done(`Engine and tests built in build/${preset} in ${duration(performance.now() - started)}`);
  // One process for each core and its share of the tests: a process for each test, as ctest has it, takes minutes longer.
  const shards = os.availableParallelism();
  const program = join(BUILD, preset, "tests", "engine", "engine_tests");
  await Promise.all(
    Array.from({ length: shards }, (_, shard) =>
      reported(preset, program, (report) => [`--gtest_output=xml:${report}`], {
        env: { GTEST_TOTAL_SHARDS: String(shards), GTEST_SHARD_INDEX: String(shard) },
      }),
    ),
  );
};

/** Arguments of Node.js that run the TypeScript tests below a folder. @param {string} folder @param {string} report */
const vitest = (folder, report) => [
  ...[join(ROOT, "node_modules", "vitest", "vitest.mjs"), "run", folder, "--config", "web/vite.config.ts"],
  ...["--reporter=default", "--reporter=junit", `--outputFile.junit=${report}`],
];

/** What every build of the engine needs. @type {Need[]} */
const ENGINE_NEEDS = ["converter", "cmake", "ninja", "eigen", "json", "gtest"];

/** @type {Suite[]} */
export const SUITES = [
  {
    name: "tooling",
    what: "set-up, test runner and server",
    needs: ["npm"],
    body: (tools) => nodeTests(tools, "tests/tooling"),
  },
  {
    name: "format",
    what: "clang-format",
    needs: ["clangFormat"],
    body: async ({ machine, single }) => {
      const files = cppSources().map((file) => relative(ROOT, file));
      if (!files.length) throw new UserError("clang-format: expected C++ files in wasm/ and tests/engine/, found none.");
      // One line for each file is enough: nobody mends these by hand.
      const args = ["--dry-run", "--Werror", "--ferror-limit=1", ...files];
      await single("clang-format (`npm run format` mends it)", machine.paths.clangFormat ?? "clang-format", args);
    },
  },
  {
    name: "types",
    what: "TypeScript, strict",
    needs: ["npm"],
    body: async ({ single }) => {
      const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
      await single("page", process.execPath, [tsc, "--noEmit", "--project", "."]);
      await single("scripts", process.execPath, [tsc, "--noEmit", "--project", "scripts"]);
    },
  },
  {
    name: "convert",
    what: "the converter, with pytest",
    needs: ["converter", "pytest"],
    body: ({ machine, reported }) =>
      reported("pytest", machine.paths.venvPython ?? "python3", (report) => [
        ...["-m", "pytest", "tests/convert", "-p", "no:cacheprovider", `--junitxml=${report}`],
      ]),
  },
  {
    name: "engine-gcc",
    what: "the engine, debug, g++",
    onRequest: true, // as long as all the rest: what it can find beyond clang's builds is another compiler's warnings
    needs: [...ENGINE_NEEDS, "gcc"],
    body: engineTests("native"),
  },
  {
    name: "engine-sanitize",
    what: "the engine, clang++, address and undefined behaviour sanitizers",
    needs: [...ENGINE_NEEDS, "clang", "sanitizers"],
    body: engineTests("sanitize"),
  },
  {
    name: "bindings",
    what: "the WebAssembly build under Node.js",
    needs: PAGE_NEEDS,
    body: async (tools) => {
      await buildEngine(tools.machine);
      await convertFixtures(tools.machine);
      await convertModels(tools.machine);
      await nodeTests(tools, "tests/bindings");
    },
  },
  {
    name: "reader",
    what: "the page's reader of Keras files, against the converter",
    needs: ["npm", "converter", "pytest"],
    body: async ({ machine, reported }) => {
      await recordConversions(machine);
      await reported("vitest", process.execPath, (report) => vitest("tests/reader", report));
    },
  },
  {
    name: "page-unit",
    what: "the page's modules",
    needs: PAGE_NEEDS,
    body: async ({ machine, reported }) => {
      await buildEngine(machine);
      await convertModels(machine);
      await reported("vitest", process.execPath, (report) => vitest("tests/web/unit", report));
    },
  },
  {
    name: "page-browser",
    what: "the built page in Chromium",
    needs: [...PAGE_NEEDS, "browser"],
    body: async (tools) => {
      await buildEngine(tools.machine);
      await convertModels(tools.machine);
      await buildPage();
      // A browser waits most of the time: for frames, pauses in typing and transitions.
      await nodeTests(tools, "tests/web/browser", { CHROMIUM: tools.machine.paths.browser ?? "" }, 2);
    },
  },
];

/**
 * @param {string[]} names from the command line; none means all
 * @returns {Suite[]}
 */
export function select(names) {
  const matches = (/** @type {string} */ suite, /** @type {string} */ name) => suite === name || suite.startsWith(`${name}-`);
  const unknown = names.filter((name) => !SUITES.some((suite) => matches(suite.name, name)));
  if (unknown.length) {
    throw new UserError(`npm test: expected suites among ${SUITES.map((suite) => suite.name).join(", ")}, found ${unknown.join(", ")}.`);
  }
  return SUITES.filter((suite) => (!names.length && !suite.onRequest) || names.some((name) => matches(suite.name, name)));
}
