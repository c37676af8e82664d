/**
 * What a person at the page waits for, measured in a real Chromium on the built page: from a key to the frame that has its
 * colours, from a model's bytes to its first colours, and how long pasting a book keeps the page from answering.
 *
 *     node scripts/bench/key_to_paint.mjs [--quick]
 *
 * Keys are pressed one after the other, each when the one before is on screen. A key's time runs from the event's own time stamp
 * to the first task after the frame that follows the drawing: style, layout and paint are in it, what the compositor and the
 * screen do afterwards is not. With reduced motion, so that the colours of that frame are the last ones.
 *
 * At 60 Hz a frame comes every 16.7 ms, and a key waits for the next one whatever the page does. So every row is measured twice:
 * as a visitor has it, and with frames as soon as there is something to draw, which is the page's own share.
 */
import { pathToFileURL } from "node:url";
import util from "node:util";
import { launch, openPage, serveDist, settled } from "../../tests/web/support/browser.mjs";
import { quantile } from "./lib/stats.mjs";

/**
 * @typedef {import("playwright-core").Page} Page
 *
 * @typedef {object} Row all times in milliseconds
 * @property {string} name
 * @property {number} count of what was measured
 * @property {number} p50
 * @property {number} p95
 * @property {number} p99
 * @property {number} max
 * @property {number} [drawn] p95 until the colours are in the document, before layout and paint
 * @property {number} [engine] p50 as the page's own figure has it
 * @property {number} [slowEvents] key events of 16 ms and more by the browser's own event timing
 * @property {number} [longTasks] tasks of more than 50 ms
 * @property {number} [longest] of these; 0 where there is none
 * @property {number} [elements] in the document
 */

const TEXT = "Now is the time for all good men to come to the aid of the party; call 0906 now. ";
/** Keys pressed, and lengths of the text. */
const KEYS = { full: 500, quick: 60 };
const LENGTHS = [80, 250, 5000];
const BOOK = 100_000;
const LOADS = { full: 20, quick: 5 };
/** Frames when there is something to draw, not when the screen wants one. */
const NO_WAIT = ["--disable-frame-rate-limit", "--disable-gpu-vsync"];

/** @param {string} name @param {number[]} times @returns {Row} */
function row(name, times) {
  return { name, count: times.length, p50: quantile(times, 0.5), p95: quantile(times, 0.95), p99: quantile(times, 0.99), max: Math.max(...times) };
}

/** A text of paragraphs, as books are. @param {number} length */
const bookOf = (length) => `${TEXT.repeat(8)}\n\n`.repeat(length / TEXT.length).slice(0, length);

/** @param {number} length */
const textOf = (length) => TEXT.repeat(Math.ceil(length / TEXT.length)).slice(0, length);

/** Puts what measures into the page, in `window.bench`. @param {Page} page */
async function instrument(page) {
  await page.evaluate(() => {
    /** @type {{times: {drawn: number, paint: number}[], at: number, slow: number, tasks: number[]}} */
    const bench = { times: [], at: NaN, slow: 0, tasks: [] };
    Object.assign(window, { bench });
    window.addEventListener("keydown", ({ timeStamp }) => (bench.at = timeStamp), { capture: true });
    const sheet = document.querySelector("#sheet");
    if (!sheet) throw new Error("index.html: expected an element with id sheet, found none");
    // Not busy: the engine's answer to the text on screen has been drawn, in the task that this follows.
    new MutationObserver(() => {
      if (sheet.getAttribute("aria-busy") !== "false" || Number.isNaN(bench.at)) return;
      const [at, drawn] = [bench.at, performance.now()];
      bench.at = NaN;
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => bench.times.push({ drawn: drawn - at, paint: performance.now() - at });
        port2.postMessage(null);
      });
    }).observe(sheet, { attributeFilter: ["aria-busy"] });
    // The least that browsers take; their times are multiples of 8 ms.
    const events = new PerformanceObserver((list) => (bench.slow += list.getEntriesByName("keydown").length));
    events.observe(/** @type {PerformanceObserverInit} */ ({ type: "event", durationThreshold: 16 }));
    new PerformanceObserver((list) => bench.tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask" });
  });
}

/** What was measured since the last call, after two frames in which the observers are told of the last of it. @param {Page} page */
function take(page) {
  return page.evaluate(async () => {
    for (let i = 0; i < 2; i++) await new Promise((resolve) => requestAnimationFrame(resolve));
    const { bench } = /** @type {{bench: {times: {drawn: number, paint: number}[], slow: number, tasks: number[]}}} */ (/** @type {unknown} */ (window));
    const { times, slow, tasks } = bench;
    Object.assign(bench, { times: [], slow: 0, tasks: [] });
    const figure = document.querySelector(".speed b:last-of-type")?.textContent;
    return { times, slow, tasks, engine: Number(figure), elements: document.getElementsByTagName("*").length };
  });
}

/** Presses keys that write a letter and take it back in turn, so that the text stays as long as it is. @param {Page} page @param {number} count */
async function press(page, count) {
  const letters = "etaoin shrdlu";
  for (let i = 0; i < count; i++) {
    await page.keyboard.press(i % 2 === 0 ? (letters[(i / 2) % letters.length] ?? "e") : "Backspace");
    await page.waitForFunction((wanted) => /** @type {any} */ (window).bench.times.length >= wanted, i + 1);
  }
}

/**
 * Pastes in the place of all there is, and gives the time that it took. Through the clipboard: a text that is inserted by the
 * browser's automation goes in line by line, with an input event for each, as nobody's does.
 * @param {Page} page @param {string} text
 */
async function paste(page, text) {
  await page.evaluate((given) => navigator.clipboard.writeText(given), text);
  await page.focus("#text");
  await page.keyboard.press("Control+A");
  const begun = performance.now();
  await page.keyboard.press("Control+V");
  await settled(page);
  return performance.now() - begun;
}

/** @param {Page} page @param {string} name @param {number} keys @returns {Promise<Row>} */
async function measureKeys(page, name, keys) {
  // The first keys find caches cold, and compilers at work.
  await press(page, 20);
  await take(page);
  await press(page, keys);
  const { times, slow, tasks, engine, elements } = await take(page);
  return {
    ...row(name, times.map(({ paint }) => paint)), drawn: quantile(times.map(({ drawn }) => drawn), 0.95), engine, slowEvents: slow,
    longTasks: tasks.length, longest: Math.max(0, ...tasks), elements,
  };
}

/**
 * A long text pasted at once, and keys at its end and in its middle.
 * @param {Page} page @param {string} text @param {string} what it is @param {string} how @param {number} keys
 * @returns {Promise<Row[]>}
 */
async function measureLong(page, text, what, how, keys) {
  const rows = [];
  await take(page);
  const time = await paste(page, text);
  const { tasks, elements } = await take(page);
  rows.push({ ...row(`${what} pasted, until all is drawn${how}`, [time]), longTasks: tasks.length, longest: Math.max(0, ...tasks), elements });
  rows.push(await measureKeys(page, `key to paint, at the end of ${what}${how}`, keys));
  await page.$eval("#text", (input) => /** @type {HTMLTextAreaElement} */ (input).setSelectionRange(50_000, 50_000));
  rows.push(await measureKeys(page, `key to paint, in the middle of ${what}${how}`, keys));
  return rows;
}

/**
 * Keys with the sample model, which has the classic architecture. Needs dist/ and Chromium.
 * @param {{quick?: boolean}} [options] quick: fewer keys, for a look
 * @returns {Promise<Row[]>}
 */
export async function keyToPaint({ quick = false } = {}) {
  const keys = quick ? KEYS.quick : KEYS.full;
  const server = await serveDist();
  const rows = [];
  try {
    for (const [how, args] of /** @type {[string, string[]][]} */ ([["", []], [", without waiting for the screen", NO_WAIT]])) {
      const browser = await launch(args);
      try {
        const { page } = await openPage(browser, server.url, { reducedMotion: "reduce", permissions: ["clipboard-read", "clipboard-write"] });
        await instrument(page);
        for (const length of LENGTHS) {
          await paste(page, textOf(length));
          rows.push(await measureKeys(page, `key to paint, ${length} characters${how}`, keys));
        }
        for (const [text, what] of /** @type {const} */ ([[bookOf(BOOK), `${BOOK} characters`], [textOf(BOOK), `${BOOK} characters in one line`]])) {
          rows.push(...(await measureLong(page, text, what, how, Math.ceil(keys / 10))));
        }
      } finally {
        await browser.close();
      }
    }
  } finally {
    await server.close();
  }
  return rows;
}

/**
 * From the sample's bytes to its first colours, by the page's own marks, in a page of its own each time.
 * @param {{quick?: boolean}} [options]
 * @returns {Promise<Row[]>}
 */
export async function bundleToColour({ quick = false } = {}) {
  const [server, browser] = [await serveDist(), await launch()];
  const times = [];
  try {
    for (let i = 0; i < (quick ? LOADS.quick : LOADS.full); i++) {
      const { page, close } = await openPage(browser, server.url, { reducedMotion: "reduce" });
      const load = await page.waitForFunction(() => performance.getEntriesByName("charglow:load")[0]?.duration);
      times.push(Number(await load.jsonValue()));
      await close();
    }
  } finally {
    await browser.close();
    await server.close();
  }
  return [row("bundle to first colours", times)];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { values } = util.parseArgs({ options: { quick: { type: "boolean", default: false } } });
  const rows = [...(await bundleToColour(values)), ...(await keyToPaint(values))];
  /** @param {number | undefined} value */
  const short = (value) => (value === undefined ? "" : Number(value.toFixed(1)));
  console.table(Object.fromEntries(rows.map(({ name, ...rest }) => [name, Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, short(value)]))])));
}
