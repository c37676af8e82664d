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
 * A page of its own with the sample model in use. Whatever the page says in its console, or throws, is in `faults`.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {string} url
 * @param {{ready?: boolean, before?: (page: import("playwright-core").Page) => Promise<void>} & import("playwright-core").BrowserContextOptions} [options]
 *   ready: wait for the model (default). before: called before the page loads.
 */
export async function openPage(browser, url, { ready = true, before, ...context } = {}) {
  const own = await browser.newContext({ viewport: { width: 1120, height: 800 }, ...context });
  const page = await own.newPage();
  /** @type {string[]} */
  const faults = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  if (before) await before(page);
  await page.goto(url);
  if (ready) await settled(page);
  return { page, faults, close: () => own.close() };
}

/** Waits until the model has answered for the text on screen, the fonts are there and the colours have faded in. @param {import("playwright-core").Page} page */
export async function settled(page) {
  await page.waitForSelector('#sheet[aria-busy="false"]');
  await page.evaluate(() => document.fonts.ready);
  await page.waitForFunction(() => document.getAnimations().length === 0);
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
