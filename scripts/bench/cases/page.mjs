/// <reference lib="dom" />
/** The built page itself (dist/): from a bundle's bytes to coloured text, and from an address to coloured text. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { serve } from "../../serve.mjs";
import { step } from "../../lib/say.mjs";
import { MODELS } from "../lib/environment.mjs";

/**
 * Resolves with performance.now() after the first frame in which the page shows coloured text of the model `title` (any model
 * where that is empty). Runs in the page.
 * @param {string} title
 */
function coloured(title) {
  /** @param {string} selector */
  const found = (selector) => document.querySelector(selector);
  const there = () =>
    found('#sheet[aria-busy="false"]') && found("#mirror > .cell") && found(".prediction-head") && (!title || found("#model-title")?.textContent === title);
  return new Promise((resolve) => {
    const look = () => {
      if (!there()) return void requestAnimationFrame(look);
      // A task that is queued in a frame runs after that frame was drawn.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => resolve(performance.now());
      requestAnimationFrame(() => port2.postMessage(null));
    };
    look();
  });
}

/**
 * @param {import("playwright-core").Browser} browser @param {boolean} quick
 * @returns {Promise<{open: number[], start: number[]}>} milliseconds. open: a bundle is dropped on the page, to the text in its
 *   colours; start: the page is gone to (its server is this machine, nothing cached), to the same of its sample model
 */
export async function pageLoad(browser, quick) {
  step("The page: a bundle's bytes to coloured text");
  const server = await serve({ port: 0 });
  const bytes = readFileSync(join(MODELS, "classic", "model.safetensors")).toString("base64");
  const open = [];
  const start = [];
  try {
    for (let round = 0; round < (quick ? 5 : 21); round++) {
      const context = await browser.newContext({ viewport: { width: 1120, height: 800 } });
      const page = await context.newPage();
      await page.addInitScript(`globalThis.charglowColoured = ${coloured.toString()}; globalThis.charglowStart = new Promise((resolve) => addEventListener("DOMContentLoaded", () => resolve(charglowColoured(""))))`);
      await page.goto(server.url);
      start.push(await page.evaluate(() => /** @type {any} */ (globalThis).charglowStart));
      // The fonts and the fade are not what is measured.
      await page.waitForFunction(() => document.getAnimations().length === 0);
      const ms = await page.evaluate(async (base64) => {
        const data = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
        const transfer = new DataTransfer();
        transfer.items.add(new File([data], "model.safetensors"));
        await new Promise((resolve) => requestAnimationFrame(resolve));
        const began = performance.now();
        for (const type of ["dragenter", "dragover", "drop"]) document.body.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
        return (await /** @type {any} */ (globalThis).charglowColoured("classic")) - began;
      }, bytes);
      open.push(ms);
      await context.close();
    }
  } finally {
    await server.close();
  }
  return { open, start };
}
