/**
 * A real Chromium on the built page (dist/), for the browser tests and the screenshots.
 *
 * CHROMIUM names the browser's executable; without it the usual places are tried.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { serve } from "../../../scripts/serve.mjs";

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
export const SAMPLE = fileURLToPath(new URL("../../../dist/models/sms-spam.safetensors", import.meta.url));

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

function executable() {
  const path = process.env.CHROMIUM || process.env.CHROMIUM_PATH || PLACES.find((place) => existsSync(place));
  if (!path) throw new Error(`a browser: expected the path of Chromium in CHROMIUM, or it at one of ${PLACES.join(", ")}`);
  return path;
}

/** Starts the browser; close it when done. @param {readonly string[]} [more] arguments for it */
export function launch(more = []) {
  return chromium.launch({
    executablePath: executable(),
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--font-render-hinting=none", ...more,
    ],
  });
}

/** Serves dist/. @param {string} [base] the sub-path, "/" at both ends */
export function serveDist(base = "/") {
  return serve({ port: 0, base });
}

/**
 * Pages that a test has done with, by the options of their context. The page keeps nothing but what is in its address, so
 * that one which is loaded anew is as good as a new one; a new context fetches and compiles everything again, which takes
 * three times as long.
 *
 * @type {WeakMap<import("playwright-core").Browser, Map<string, import("playwright-core").Page[]>>}
 */
const idle = new WeakMap();

/** @param {import("playwright-core").Browser} browser @param {string} key */
function idlePages(browser, key) {
  const all = idle.get(browser) ?? new Map();
  idle.set(browser, all);
  if (!all.has(key)) all.set(key, []);
  return all.get(key);
}

/**
 * A page with the sample model in use. Whatever the page says in its console, or throws, is in `faults`.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {string} url
 * @param {{ready?: boolean, alone?: boolean, before?: (page: import("playwright-core").Page) => Promise<void>} & import("playwright-core").BrowserContextOptions} [options]
 *   ready: wait for the model (default). alone: in a context of its own, which is closed afterwards, for a test that changes more
 *   of it than what the page shows. before: called before the page loads, which is then alone.
 */
export async function openPage(browser, url, { ready = true, before, alone = before !== undefined, ...options } = {}) {
  const context = { viewport: { width: 1120, height: 800 }, ...options };
  const pages = idlePages(browser, JSON.stringify(context));
  const used = alone ? undefined : pages.pop();
  const page = used ?? (await (await browser.newContext(context)).newPage());
  if (used) {
    await page.goto("about:blank");
    await page.mouse.move(0, 0);
  }
  /** @type {string[]} */
  const faults = [];
  const onConsole = (/** @type {import("playwright-core").ConsoleMessage} */ message) => {
    if (message.type() === "error" || message.type() === "warning") faults.push(message.text());
  };
  const onError = (/** @type {Error} */ error) => void faults.push(String(error));
  page.on("console", onConsole).on("pageerror", onError);
  if (before) await before(page);
  await page.goto(url);
  if (ready) await settled(page);
  const close = async () => {
    page.off("console", onConsole).off("pageerror", onError);
    if (alone) await page.context().close();
    else pages.push(page);
  };
  return { page, faults, close };
}

/** Waits until the model has answered for the text on screen, the fonts are there and the colours have faded in. @param {import("playwright-core").Page} page */
export async function settled(page) {
  await page.waitForSelector('#sheet[aria-busy="false"]');
  await page.evaluate(() => document.fonts.ready);
  await page.waitForFunction(() => document.getAnimations().length === 0);
}

/** Waits until nothing more is to come of what a visit fetches: the engine's rest comes last, after the first colours. @param {import("playwright-core").Page} page */
export async function fetched(page) {
  // The browser lists what has come.
  await page.waitForFunction(() => performance.getEntriesByType("resource").some(({ name }) => /\/engine[\w-]*\.rest-[\w-]{8}\.wasm$/.test(name)));
  await page.waitForLoadState("networkidle");
}

/** Waits until the model in use has been compared with Keras. @param {import("playwright-core").Page} page */
export async function checked(page) {
  await page.waitForFunction(() => !/checking/.test(/** @type {Element} */ (document.querySelector("#truth")).textContent ?? ""));
}

/** Waits until the model of this file is in use. @param {import("playwright-core").Page} page @param {string} file */
export async function inUse(page, file) {
  await page.waitForFunction((title) => /** @type {HTMLElement} */ (document.querySelector("#model-button")).title === title, `Model card of ${file}`);
}

/** Replaces the text as a user would: select all, type. @param {import("playwright-core").Page} page @param {string} text */
export async function typeText(page, text) {
  await page.focus("#text");
  await page.keyboard.press("Control+A");
  if (text === "") await page.keyboard.press("Delete");
  else await page.keyboard.insertText(text);
  await settled(page);
}

/** The cells on screen: text, classes, colours as the browser computed them. @param {import("playwright-core").Page} page */
export function cells(page) {
  return page.$$eval("#mirror > .cell", (nodes) =>
    nodes.map((node) => {
      const style = getComputedStyle(node);
      return { text: node.textContent, classes: node.className.split(" "), glow: style.backgroundColor, ink: style.color };
    }),
  );
}

/**
 * Drops files anywhere on the page.
 *
 * @param {import("playwright-core").Page} page
 * @param {{name: string, bytes: Uint8Array}[]} files
 */
export async function drop(page, files) {
  const transfer = await page.evaluateHandle(
    (given) => {
      const data = new DataTransfer();
      for (const { name, base64 } of given) {
        const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
        data.items.add(new File([bytes], name));
      }
      return data;
    },
    files.map(({ name, bytes }) => ({ name, base64: Buffer.from(bytes).toString("base64") })),
  );
  for (const type of ["dragenter", "dragover", "drop"]) await page.dispatchEvent("body", type, { dataTransfer: transfer });
}

export const sampleBytes = () => new Uint8Array(readFileSync(SAMPLE));

/** @param {import("playwright-core").Page} page */
export const prediction = (page) => page.textContent(".prediction-head");
