/**
 * What a person at the page waits for, measured in a real Chromium on the built page: from a key to the frame that has its
 * colours, and how long pasting a book keeps the page from answering.
 *
 *     node scripts/bench/key_to_paint.mjs [--quick]
 *
 * Keys are pressed one after the other, each when the one before is on screen. A key's time runs from the event's own time stamp
 * to the first task after the frame that follows the drawing. Chromium's traces show what that is: style, layout, paint and the
 * commit are in it; raster and what the compositor and the screen do afterwards are not. The time stamp is set where the browser's
 * process gets the key, half a millisecond before the page's first listener; Playwright has sent both the key and its letter by
 * then. With reduced motion, so that the colours of that frame are the last ones.
 *
 * The browser's own event timing ends elsewhere: when the first frame after a key's listeners is on screen, raster and compositor
 * included, whether or not the worker's answer was in time for it. It counts in steps of 8 ms and tells of nothing below 16, so
 * that it cannot say whether a key took less than 8. Its figure stands beside the page's.
 *
 * At 60 Hz a frame comes every 16.7 ms, and a key waits for the next one whatever the page does; keys are pressed at all times
 * between two frames, as people press them. So every row is measured twice: as a visitor has it, and with frames as soon as there
 * is something to draw. Waiting for a key must ask for no frames: what polls with them keeps the browser drawing, and presses every
 * key just after a frame.
 *
 * What a page cannot be faster than here is measured alike: a textarea alone, and one above as many letters as the text has, each
 * of which gets another colour in the listener of the key. The page's 95 % come with their ratio to those of the latter.
 */
import { setTimeout as sleep } from "node:timers/promises";
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
 * @property {number} [event] p95 by the browser's own event timing; 8 stands for all below 16
 * @property {number} [ratio] p95 to that of the letters which only change their colours
 * @property {number} [longTasks] tasks of more than 50 ms
 * @property {number} [longest] of these; 0 where there is none
 * @property {number} [elements] in the document
 */

const TEXT = "Now is the time for all good men to come to the aid of the party; call 0906 now. ";
/** Keys pressed, and lengths of the text. */
const KEYS = { full: 500, quick: 60 };
const LENGTHS = [80, 250, 5000];
/** Of these as many letters are coloured as the text has; 0: a textarea alone. */
const LEAST = [0, 80, 250];
const BOOK = 100_000;
/** Milliseconds between two frames at 60 Hz, about: keys are pressed at any of them. */
const BETWEEN = 17;
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

/**
 * @typedef {object} Bench what measures, in the page's `window.bench`
 * @property {{drawn: number, paint: number}[]} times
 * @property {number} at when the key was pressed that is waited for; NaN: none is
 * @property {number[]} events
 * @property {number[]} tasks
 * @property {(() => void) | null} wake is called when a key has been timed
 */

/** Puts what measures into the page. Without the page's #sheet a key's colours are there when its listeners are done. @param {Page} page */
async function instrument(page) {
  await page.evaluate(() => {
    /** @type {Bench} */
    const bench = { times: [], at: NaN, events: [], tasks: [], wake: null };
    Object.assign(window, { bench });
    window.addEventListener("keydown", ({ timeStamp }) => (bench.at = timeStamp), { capture: true });
    const drawnNow = () => {
      if (Number.isNaN(bench.at)) return;
      const [at, drawn] = [bench.at, performance.now()];
      bench.at = NaN;
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          bench.times.push({ drawn: drawn - at, paint: performance.now() - at });
          bench.wake?.();
        };
        port2.postMessage(null);
      });
    };
    const sheet = document.querySelector("#sheet");
    // Not busy: the engine's answer to the text on screen has been drawn, in the task that this follows.
    if (sheet) new MutationObserver(() => sheet.getAttribute("aria-busy") === "false" && drawnNow()).observe(sheet, { attributeFilter: ["aria-busy"] });
    else document.addEventListener("input", drawnNow);
    // The least that browsers take.
    const events = new PerformanceObserver((list) => bench.events.push(...list.getEntriesByName("keydown").map(({ duration }) => duration)));
    events.observe(/** @type {PerformanceObserverInit} */ ({ type: "event", durationThreshold: 16 }));
    new PerformanceObserver((list) => bench.tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask" });
  });
}

/** What was measured since the last call, after two frames in which the observers are told of the last of it. @param {Page} page */
function take(page) {
  return page.evaluate(async () => {
    for (let i = 0; i < 2; i++) await new Promise((resolve) => requestAnimationFrame(resolve));
    const { bench } = /** @type {{bench: Bench}} */ (/** @type {unknown} */ (window));
    const { times, events, tasks } = bench;
    Object.assign(bench, { times: [], events: [], tasks: [] });
    const figure = document.querySelector(".speed b:last-of-type")?.textContent;
    return { times, events, tasks, engine: Number(figure ?? NaN), elements: document.getElementsByTagName("*").length };
  });
}

/** Presses keys that write a letter and take it back in turn, so that the text stays as long as it is. @param {Page} page @param {number} count */
async function press(page, count) {
  const letters = "etaoin shrdlu";
  for (let i = 0; i < count; i++) {
    await page.keyboard.press(i % 2 === 0 ? (letters[(i / 2) % letters.length] ?? "e") : "Backspace");
    await page.evaluate((wanted) => new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
      const { bench } = /** @type {{bench: Bench}} */ (/** @type {unknown} */ (window));
      bench.wake = () => bench.times.length >= wanted && resolve();
      bench.wake();
    }), i + 1);
    await sleep((7 * i) % BETWEEN);
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
  const { times, events, tasks, engine, elements } = await take(page);
  const told = [...events, ...Array(Math.max(0, keys - events.length)).fill(8)];
  return {
    ...row(name, times.map(({ paint }) => paint)), drawn: quantile(times.map(({ drawn }) => drawn), 0.95), engine, event: quantile(told, 0.95),
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
 * The same keys in pages that have no model: see above.
 * @param {import("playwright-core").Browser} browser @param {string} how @param {number} keys
 * @returns {Promise<{rows: Row[], least: Map<number, number>}>} least: the 95 % of letters that only change colours, by their number
 */
async function measureLeast(browser, how, keys) {
  const rows = [];
  const least = new Map();
  for (const length of LEAST) {
    const context = await browser.newContext({ viewport: { width: 1120, height: 800 }, reducedMotion: "reduce" });
    const page = await context.newPage();
    await page.setContent(`<textarea id="text" style="width: 60rem; height: 20rem; font: 21px monospace"></textarea><div id="letters" style="font: 21px monospace"></div>`);
    await page.evaluate((text) => {
      const [input, letters] = [document.querySelector("textarea"), document.querySelector("#letters")];
      if (!input || !letters) throw new Error("expected a textarea and a place for letters, found none");
      input.value = text;
      const spans = Array.from(text, (letter) => Object.assign(document.createElement("span"), { textContent: letter }));
      letters.append(...spans);
      let key = 0;
      input.addEventListener("input", () => {
        key++;
        for (const [i, { style }] of spans.entries()) style.backgroundColor = `rgb(255 ${(37 * i + 91 * key) % 256} 200)`;
      });
    }, textOf(length));
    await instrument(page);
    await page.focus("textarea");
    await page.keyboard.press("Control+End");
    const { engine: _, ...measured } = await measureKeys(page, length === 0 ? `a textarea alone${how}` : `a textarea and ${length} letters that change their colours${how}`, keys);
    rows.push(measured);
    least.set(length, measured.p95);
    await context.close();
  }
  return { rows, least };
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
        const { rows: others, least } = await measureLeast(browser, how, keys);
        rows.push(...others);
        const { page } = await openPage(browser, server.url, { reducedMotion: "reduce", permissions: ["clipboard-read", "clipboard-write"] });
        await instrument(page);
        for (const length of LENGTHS) {
          await paste(page, textOf(length));
          const measured = await measureKeys(page, `key to paint, ${length} characters${how}`, keys);
          const limit = least.get(length);
          rows.push(limit ? { ...measured, ratio: measured.p95 / limit } : measured);
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

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { values } = util.parseArgs({ options: { quick: { type: "boolean", default: false } } });
  const rows = await keyToPaint(values);
  /** @param {number | undefined} value */
  const short = (value) => (value === undefined ? "" : Number(value.toFixed(1)));
  console.table(Object.fromEntries(rows.map(({ name, ...rest }) => [name, Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, short(value)]))])));
}
