/**
 * npm run bench: this engine against onnxruntime-web, TensorFlow.js and Keras, side by side on this machine.
 *
 *   --quick        fewer rounds, models and sizes: below two minutes once everything is there
 *   --only A,B     some cases only, of: forward, keystroke, batch, load, page, growth, limit, size; and models by name
 *   --keep         writes the README's tables and scripts/bench/growth.svg from the results (alone: of the last run)
 *
 * Numbers are written to build/bench/results.json and the picture to build/bench/growth.svg. Exit code 1 where a runtime does
 * not compute what Keras computes; never for a time. $CHARGLOW_KERAS_PYTHON names a Python with TensorFlow.
 */
import "../lib/node_version.mjs";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import util from "node:util";
import { buildEngine, buildPage } from "../lib/build.mjs";
import { convertModels } from "../lib/models.mjs";
import { PAGE_NEEDS } from "../lib/needs.mjs";
import { WASM_BUILD } from "../lib/paths.mjs";
import { must } from "../lib/run.mjs";
import { done, duration, main, note, step, UserError } from "../lib/say.mjs";
import { setUp } from "../lib/setup.mjs";
import { batch, forward, growth, keystroke, limit, load, MAIN_MODELS, rates } from "./cases/cases.mjs";
import { pageLoad } from "./cases/page.mjs";
import { sizes } from "./cases/sizes.mjs";
import { launch, serveFolders } from "./lib/browser.mjs";
import { Arena } from "./lib/contestants.mjs";
import * as environment from "./lib/environment.mjs";
import { describeMachine } from "./lib/machine.mjs";
import { machineLines, tables } from "./lib/report.mjs";
import { keep } from "./lib/readme.mjs";
import { textTable } from "./lib/table.mjs";

const { BENCH, HERE } = environment;
const CASES = ["forward", "keystroke", "batch", "load", "page", "growth", "limit", "size"];
const RESULTS = join(BENCH, "results.json");
const PICTURE = join(BENCH, "growth.svg");

/** @param {string | undefined} only @param {boolean} quick */
function selection(only, quick) {
  const names = only?.split(",").filter(Boolean) ?? [];
  const unknown = names.filter((name) => !CASES.includes(name) && !MAIN_MODELS.includes(name));
  if (unknown.length) throw new UserError(`--only: expected names among ${[...CASES, ...MAIN_MODELS].join(", ")}, found ${unknown.join(", ")}.`);
  const models = MAIN_MODELS.filter((name) => names.includes(name));
  const cases = CASES.filter((name) => names.includes(name));
  return {
    // Models alone mean what is measured model by model.
    cases: cases.length ? cases.concat(models.length && !cases.includes("forward") ? ["forward"] : []) : models.length ? ["forward", "keystroke"] : CASES,
    models: models.length ? models : quick ? ["classic"] : MAIN_MODELS,
  };
}

/** What the page's own measurement finds, where it is there. @param {boolean} quick @param {string | undefined} executable Chromium's */
async function keyToPaint(quick, executable) {
  const file = join(HERE, "key_to_paint.mjs");
  if (!existsSync(file)) return null;
  if (executable) process.env.CHROMIUM ??= executable; // where tests/web/support looks
  step("The page: from key to painted colours");
  return (await import(pathToFileURL(file).href)).keyToPaint({ quick });
}

/** @param {{quick: boolean, cases: string[], models: string[]}} options */
async function measure({ quick, cases, models }) {
  const machine = await setUp([...PAGE_NEEDS, "browser"]);
  await convertModels(machine);
  await buildEngine(machine);
  await buildPage();
  await environment.installRivals();
  const python = await environment.makePython();
  await environment.makeModels(machine, python);
  await environment.buildSimdRate(machine);
  const native = await environment.buildNative(machine);
  const tensorflow = await environment.findTensorFlow();
  const measured = { sizes: cases.includes("size") ? sizes() : undefined };

  const started = performance.now();
  const server = await serveFolders({
    "/page/": join(HERE, "page"), "/": join(HERE, "page"), "/runners/": join(HERE, "runners"), "/rivals/": BENCH,
    "/models/": environment.MODELS, "/wasm/": join(HERE, "..", "..", "wasm"), "/engine/": WASM_BUILD, "/simd_rate.wasm": environment.SIMD_RATE,
  });
  const browser = await launch(machine.paths.browser ?? "chromium");
  const page = await browser.newPage();
  await page.goto(`${server.url}/index.html`);
  const arena = new Arena({ page, native, tensorflow, python });
  try {
    const effort = quick ? { rounds: 7, sampleMs: 25, budgetMs: 1000 } : { rounds: 15, sampleMs: 60, budgetMs: 5000 };
    const context = { arena, effort, quick, models, page };
    const described = describeMachine({ emcc: machine.found.emcc ?? "emcc", chromium: browser.version(), pythons: await arena.versions() });
    /** @type {Record<string, any>} */
    const results = { quick, machine: described, tensorflow: tensorflow !== null, ...measured };
    /** @type {Record<string, () => Promise<Record<string, any>>>} */
    const measures = {
      limit: async () => ({ limit: await limit(context), rates: await rates() }),
      forward: async () => ({ forward: await forward(context) }),
      keystroke: async () => ({ keystroke: await keystroke(context) }),
      growth: async () => ({ growth: await growth(context) }),
      batch: async () => ({ batch: await batch(context) }),
      load: async () => ({ load: await load(context) }),
      page: async () => ({ page: await pageLoad(browser, quick), keys: await keyToPaint(quick, machine.paths.browser) }),
    };
    for (const [name, run] of Object.entries(measures)) {
      if (!cases.includes(name)) continue;
      Object.assign(results, await run());
      // What a run that is interrupted has measured is not lost; --keep does not take it.
      environment.writeResult("results.partial.json", `${JSON.stringify(results, null, 1)}\n`);
    }
    results.milliseconds = Math.round(performance.now() - started);
    return { results, python };
  } finally {
    await arena.close();
    await browser.close();
    server.close();
  }
}

await main(async () => {
  const { values } = util.parseArgs({ options: { quick: { type: "boolean" }, only: { type: "string" }, keep: { type: "boolean" } } });
  const quick = values.quick ?? false;
  if (values.keep && !quick && values.only === undefined) {
    if (!existsSync(RESULTS)) throw new UserError(`--keep: expected build/bench/results.json, found none. Run \`npm run bench\` first.`);
    return keep(JSON.parse(readFileSync(RESULTS, "utf8")), PICTURE);
  }
  const { results, python } = await measure({ quick, ...selection(values.only, quick) });
  environment.writeResult("results.json", `${JSON.stringify(results, null, 1)}\n`);
  if (results.growth) await must(python, [join(HERE, "python", "plot.py"), RESULTS, PICTURE]);

  console.log(`\n${machineLines(results.machine).join("\n")}\n`);
  for (const { title, rows, notes } of tables(results)) console.log(`${[title, textTable(rows), ...notes].join("\n")}\n`);
  done(`Measured in ${duration(results.milliseconds)}: build/bench/results.json${results.growth ? ", build/bench/growth.svg" : ""}`);
  if (values.keep) keep(results, PICTURE);
  if (!results.tensorflow) note("TensorFlow is not installed: name a Python that has it in CHARGLOW_KERAS_PYTHON.");
});
