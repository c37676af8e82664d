/** How the engine compares with Keras's own numbers: told when it is known, and nothing waits for it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cells, checked, drop, inUse, openPage, prediction, sampleBytes, settled, typeText } from "../support/browser.mjs";
import { parse, withMetadata } from "../support/bundle.mjs";
import { browser, server, useSite } from "../support/site.mjs";

useSite();

/** Holds back what the page asks its workers of kind "verify" until the test calls `release`. */
const hold = (page) => page.addInitScript(() => {
  const Native = Worker;
  const held = [];
  window.asked = [];
  window.release = () => {
    window.release = null;
    for (const send of held.splice(0)) send();
  };
  window.Worker = class extends Native {
    postMessage(message) {
      window.asked.push(message.kind);
      if (message.kind === "verify" && window.release) held.push(() => super.postMessage(message));
      else super.postMessage(message);
    }
  };
});

/** Notes every layout shift from now on. */
const watchShifts = (page) => page.evaluate(() => {
  window.shifts = 0;
  new PerformanceObserver((list) => (window.shifts += list.getEntries().length)).observe({ type: "layout-shift", buffered: false });
});
const shifts = (page) => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(window.shifts)))));

test("the first colours and the prediction do not wait for the report, which then comes without moving anything", async () => {
  const { page, faults, close } = await openPage(browser, server.url, { before: hold });
  assert.match(await prediction(page), /ham|spam/);
  assert.ok((await cells(page)).some(({ classes }) => classes.some((name) => /^g\d/.test(name))), "coloured");
  // The engine's rest is handed over whenever it has come.
  assert.deepEqual((await page.evaluate(() => window.asked)).filter((kind) => kind !== "rest"), ["start", "open", "run", "verify"]);
  assert.match(await page.textContent("#truth"), /checking against Keras\u2026/);
  await page.click("#model-button");
  assert.match(await page.textContent("#model-dialog"), /Agreement with KerasChecking\u2026/);
  await page.keyboard.press("Escape");
  await watchShifts(page);
  await page.evaluate(() => window.release());
  await checked(page);
  assert.match(await page.textContent("#truth"), /agrees with Keras to \d/);
  assert.equal(await shifts(page), 0);
  assert.equal(await page.$(".notice"), null);
  assert.deepEqual(faults, []);
  await close();
});

test("keys are answered between the cases, and the open card shows the report when it is there", async () => {
  const { page, faults, close } = await openPage(browser, server.url, { before: hold });
  await page.click("#model-button");
  await page.evaluate(() => {
    document.querySelector("#text").value = "win 900 now";
    document.querySelector("#text").dispatchEvent(new InputEvent("input"));
    window.release();
  });
  await settled(page);
  await checked(page);
  assert.match(await page.textContent("#model-dialog"), /All 13 cases/);
  const asked = await page.evaluate(() => window.asked);
  assert.ok(asked.lastIndexOf("run") < asked.lastIndexOf("verify") && asked.lastIndexOf("run") > asked.indexOf("verify"), asked.join());
  assert.match(await page.textContent("#truth"), /^11 characters read/);
  assert.deepEqual(faults, []);
  await close();
});

test("a model that does not give Keras's numbers is warned of, in the strip, in a notice and on its card", async () => {
  const { page, faults, close } = await openPage(browser, server.url);
  const parity = JSON.parse(parse(sampleBytes()).metadata.parity);
  const [output] = Object.values(parity.cases[1].outputs);
  output.values[0] = output.values[0] > 0.5 ? 0.25 : 0.75;
  await drop(page, [{ name: "off.safetensors", bytes: withMetadata(sampleBytes(), { parity }) }]);
  await inUse(page, "off.safetensors");
  await settled(page);
  await checked(page);
  assert.match(await page.textContent("#notices"), /does not reproduce Keras\u2019s numbers/);
  assert.match(await page.textContent("#truth .notable"), /differs from Keras by [67]e-1/);
  await page.click("#model-button");
  assert.match(await page.textContent("#model-dialog"), /Do not trust the colours/);
  await page.keyboard.press("Escape");
  await typeText(page, "win 900 now");
  assert.match(await prediction(page), /ham|spam/);
  assert.deepEqual(faults, []);
  await close();
});

test("numbers of Keras's that cannot be compared: the page says so, and the model stays", async () => {
  const { page, faults, close } = await openPage(browser, server.url);
  const parity = JSON.parse(parse(sampleBytes()).metadata.parity);
  parity.cases[1] = 7;
  await drop(page, [{ name: "odd.safetensors", bytes: withMetadata(sampleBytes(), { parity }) }]);
  await inUse(page, "odd.safetensors");
  await settled(page);
  await checked(page);
  assert.match(await page.textContent("#notices"), /could not be compared with Keras\u2019s numbers/);
  assert.match(await page.textContent("#truth .notable"), /could not be compared with Keras/);
  await drop(page, [{ name: "none.safetensors", bytes: withMetadata(sampleBytes(), { parity: { made_with: {} } }) }]);
  await page.waitForFunction(() => /none\.safetensors/.test(document.querySelector("#notices").textContent));
  assert.match(await page.textContent("#notices"), /expected an object with a list of cases.*stays in use/s);
  assert.deepEqual(faults, []);
  await close();
});
