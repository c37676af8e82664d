/** The engine's second part: nothing waits for it that does not need it, and what needs it gets it, or says why not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cells, drop, fetched, inUse, openPage, prediction, settled, typeText } from "../support/browser.mjs";
import { selfAttention } from "../support/self_attention.mjs";
import { browser, server, useSite } from "../support/site.mjs";

useSite();

const REST = /\/engine[\w-]*\.rest-[\w-]{8}\.wasm$/;
/** A model that the first part alone cannot run. */
const other = { name: "other.safetensors", bytes: selfAttention(12) };

/** Addresses that are asked for from now on, by page and workers. */
function requestsOf(page) {
  const urls = [];
  page.context().on("request", (request) => urls.push(request.url()));
  return urls;
}

/** A page that cannot have the engine's rest until it is told otherwise. */
async function openWithout() {
  let refused = true;
  const opened = await openPage(browser, server.url, {
    before: (own) => own.context().route(REST, (route) => (refused ? route.fulfill({ status: 503, body: "" }) : route.continue())),
  });
  return { ...opened, allow: () => (refused = false) };
}

test("the sample's first colours wait for the first part only, and so does every text", async () => {
  const { page, close } = await openWithout();
  await typeText(page, "WINNER! Call 0906 now to claim £1000 \u{1F525}");
  assert.match(await prediction(page), /spam/);
  assert.ok((await cells(page)).some(({ classes }) => classes.some((name) => /^g\d/.test(name))));
  for (const text of ["", "hello", "x".repeat(400), "İstanbul"]) await typeText(page, text);
  assert.equal(await page.$(".notice"), null);
  await close();
});

test("it is fetched after the first colours, once, whatever is opened then", async () => {
  let urls;
  const { page, faults, close } = await openPage(browser, server.url, { before: async (own) => { urls = requestsOf(own); } });
  await fetched(page);
  assert.equal(urls.filter((url) => REST.test(url)).length, 1);
  const early = await page.evaluate((pattern) => {
    const rest = performance.getEntriesByType("resource").find(({ name }) => new RegExp(pattern).test(name));
    return rest.startTime < performance.getEntriesByName("charglow:first-colour")[0].startTime;
  }, REST.source);
  assert.equal(early, false, "fetched before there were colours");
  for (const name of ["one.safetensors", "two.safetensors"]) {
    await drop(page, [{ ...other, name }]);
    await inUse(page, name);
    await settled(page);
  }
  assert.equal(urls.filter((url) => REST.test(url)).length, 1);
  assert.deepEqual(faults, []);
  await close();
});

test("where it cannot be fetched, a model that needs it is refused in words, the one before stays, and later it is tried again", async () => {
  const { page, close, allow } = await openWithout();
  await typeText(page, "win 900 now");
  const shown = await cells(page);
  await drop(page, [other]);
  await page.waitForSelector(".notice.alert");
  assert.match(await page.textContent(".notice"), /other\.safetensors.*could not be opened.*second part.*503.*Check the connection/s);
  await typeText(page, "win 900 now!");
  await typeText(page, "win 900 now");
  assert.deepEqual(await cells(page), shown);
  allow();
  await drop(page, [other]);
  await inUse(page, other.name);
  await settled(page);
  await close();
});

test("a signal that needs it, and cannot have it: the page says so in the prediction's place, and goes on when it can", async () => {
  const { page, close, allow } = await openWithout();
  const SIGNAL = 'select[aria-label="what the colours show"]';
  const coloured = async () => (await cells(page)).some(({ classes }) => classes.some((name) => /^[gb]\d/.test(name)));
  await typeText(page, "win 900 now");
  const [attention, state] = await page.$eval(SIGNAL, (select) => [select.value, [...select.options].find(({ value }) => value !== select.value).value]);
  await page.selectOption(SIGNAL, state);
  await page.waitForFunction(() => /second part.*503.*Check the connection/.test(document.querySelector("#prediction").textContent));
  await page.selectOption(SIGNAL, attention);
  await settled(page);
  assert.match(await prediction(page), /ham|spam/);
  assert.ok(await coloured());
  allow();
  await page.selectOption(SIGNAL, state);
  await settled(page);
  assert.match(await prediction(page), /ham|spam/);
  assert.ok(await coloured());
  await close();
});
