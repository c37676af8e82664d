/** Which engine a browser is given, by the instructions that it has. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cells, checked, fetched as whole, openPage, prediction, typeText } from "../support/browser.mjs";
import { browser, server, useSite } from "../support/site.mjs";

useSite();

/** What a browser fetches of the engines, and what it shows for a text. @param {(page: import("playwright-core").Page) => Promise<void>} [change] */
async function seen(change = async () => {}) {
  const fetched = [];
  const { page, faults, close } = await openPage(browser, server.url, {
    before: async (own) => {
      own.on("request", (request) => {
        const file = request.url().match(/([^/]+)\.wasm$/);
        if (file) fetched.push(file[1].replace(/-[\w-]{8}$/, ""));
      });
      await change(own);
    },
  });
  await typeText(page, "WINNER! Call 0906 now");
  await checked(page);
  await whole(page);
  const shown = { prediction: await prediction(page), coloured: (await cells(page)).filter(({ classes }) => classes.some((name) => /^g\d/.test(name))).length };
  const truth = await page.textContent("#truth");
  assert.deepEqual(faults, []);
  await close();
  return { fetched, shown, truth };
}

test("with SIMD one engine is fetched, the one with SIMD, and its rest", async () => {
  const { fetched: [first, ...more] } = await seen();
  assert.match(first, /^engine(-relaxed)?$/);
  assert.deepEqual(more, [`${first}.rest`]);
});

test("without SIMD the scalar one is fetched with its rest, and nothing else, and it predicts the same", async () => {
  const withSimd = await seen();
  const without = await seen((page) => page.addInitScript(() => { WebAssembly.validate = () => false; }));
  assert.deepEqual(without.fetched, ["engine-scalar", "engine-scalar.rest"]);
  assert.deepEqual(without.shown, withSimd.shown);
  assert.ok(without.shown.coloured > 0);
  assert.match(without.truth, /agrees with Keras to/);
});
