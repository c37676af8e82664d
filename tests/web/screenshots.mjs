/**
 * npm run screenshots: the pictures in web/screenshots/, made of the built page (`npm run build` first).
 *
 * `npm run screenshots -- dark error` makes some only.
 */
import { mkdirSync } from "node:fs";
import { drop, launch, openPage, ROOT, sampleBytes, serveDist, settled, typeText } from "./support/browser.mjs";
import { withMetadata } from "./support/bundle.mjs";
import { selfAttention } from "./support/self_attention.mjs";

const FOLDER = `${ROOT}web/screenshots/`;

/** The character under the pointer of a reader who wants to know. */
async function point(page, index) {
  const box = await page.locator("#mirror .cell").nth(index).boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height - 12);
  await page.waitForSelector("#tooltip:not([hidden])");
}

/** @type {Record<string, {context?: object, fragment?: string, reach?: (page: import("playwright-core").Page) => Promise<unknown>, whole?: boolean}>} */
const PICTURES = {
  "first-sight": { context: { deviceScaleFactor: 2 } },
  dark: { context: { colorScheme: "dark", deviceScaleFactor: 2 }, reach: (page) => point(page, 87) },
  typing: {
    reach: async (page) => {
      await typeText(page, "");
      await page.keyboard.type("Txt 4 free tickets? Call 0900 now", { delay: 5 });
      await settled(page);
    },
  },
  narrow: { context: { viewport: { width: 360, height: 800 }, deviceScaleFactor: 2 }, whole: true },
  error: {
    reach: async (page) => {
      const bytes = sampleBytes();
      bytes[bytes.length - 1000] ^= 1;
      await drop(page, [{ name: "weights.safetensors", bytes }]);
      await page.waitForSelector(".notice");
    },
  },
  "keras-file": {
    reach: async (page) => {
      await drop(page, [{ name: "weights.best.hdf5", bytes: new Uint8Array([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]) }]);
      await page.waitForSelector(".notice");
    },
  },
  gallery: {
    reach: async (page) => {
      await page.focus("#gallery-button");
      await page.keyboard.press("Enter");
      await page.waitForSelector("#gallery", { state: "visible" });
      // A list that could not be had is no picture of the gallery.
      await page.waitForFunction(() => document.querySelectorAll('#gallery-menu [role="menuitemradio"]').length > 1);
      await page.keyboard.press("ArrowDown");
    },
  },
  "model-card": { reach: (page) => page.click("#model-button") },
  vocabulary: {
    reach: async (page) => {
      await drop(page, [{ name: "bare.safetensors", bytes: withMetadata(sampleBytes(), { text: undefined, parity: undefined }) }]);
      await page.waitForSelector("#vocabulary-dialog[open]");
      await page.fill("#charset", "abcdefghijklmnopqrstuvwxyz0123456789 .,!?");
    },
  },
  unknown: {
    reach: (page) => typeText(page, `${"Once upon a time there was a phone. ".repeat(7)}\nWIN \u00a3900 \u5b57 \u05e9\u05dc\u05d5\u05dd e\u0301 caf\u00e9\tnow`),
  },
  matrix: {
    context: { deviceScaleFactor: 2 },
    whole: true,
    reach: async (page) => {
      await drop(page, [{ name: "self.safetensors", bytes: selfAttention(40) }]);
      await page.waitForFunction(() => location.hash.includes("model=self"));
      await typeText(page, "a bad cafe had a bed");
      const { x, y, width, height } = await page.locator("#mirror .cell").nth(6).boundingBox();
      await page.mouse.click(x + width / 2, y + height - 10);
      await page.mouse.move(5, 5);
    },
  },
  assumptions: {
    reach: async (page) => {
      await page.click("#model-button");
      await page.locator(".assumption").first().evaluate((row) => row.scrollIntoView({ block: "center" }));
    },
  },
  ember: { context: { colorScheme: "dark" }, fragment: "#palette=ember" },
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in PICTURES));
if (unknown.length > 0) throw new Error(`pictures: expected names among ${Object.keys(PICTURES).join(", ")}, found ${unknown.join(", ")}`);

mkdirSync(FOLDER, { recursive: true });
const browser = await launch();
const server = await serveDist();
for (const [name, { context, fragment = "", reach, whole = false }] of Object.entries(PICTURES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const { page, close } = await openPage(browser, server.url + fragment, { viewport: { width: 1120, height: 800 }, ...context });
  await reach?.(page);
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  await page.screenshot({ path: `${FOLDER}${name}.png`, fullPage: whole });
  console.log(`web/screenshots/${name}.png`);
  await close();
}
await browser.close();
await server.close();
