/** What the output reacts to: off until asked for, of the largest output or the one that is chosen, and what the engine says. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { loadEngine } from "../../../scripts/lib/engine.mjs";
import { PUBLIC_MODELS } from "../../../scripts/lib/paths.mjs";
import { cells, openPage, settled } from "../support/browser.mjs";
import { browser, server, useSite } from "../support/site.mjs";

useSite();

const SIGNAL = 'select[aria-label="what the colours show"]';
const ELEMENT = 'select[aria-label="output the gradient is of"]';
const TEXT = "FREE entry now";

const open = async (fragment) => {
  const { page } = await openPage(browser, server.url + fragment, { reducedMotion: "reduce" });
  await settled(page);
  return page;
};
const options = (page, select) => page.$$eval(`${select} option`, (nodes) => nodes.map(({ textContent }) => textContent));
const hidden = (page, select) => page.$eval(select, (node) => node.hidden);

/** The numbers of each character that the engine gives by itself. */
async function engineSays(id, signal, of) {
  const model = (await loadEngine()).open(readFileSync(join(PUBLIC_MODELS, `${id}.safetensors`)), id);
  const session = model.newSession();
  const { text } = session.setText(TEXT);
  const { values } = session.signal(signal, of);
  return Array.from(text.position, (position) => (position < 0 ? null : values[position]));
}

describe("what the output reacts to", () => {
  test("is a choice beside the attention, which is what one sees first", async () => {
    const page = await open(`#text=${encodeURIComponent(TEXT)}`);
    assert.deepEqual((await options(page, SIGNAL)).slice(0, 3), ["attention", "gradient × input", "gradient norm"]);
    assert.equal(await page.$eval(SIGNAL, (node) => node.selectedOptions[0].textContent), "attention");
    assert.ok(await hidden(page, ELEMENT));
  });

  test("colours the characters by the gradient times the input, on both sides of zero", async () => {
    const page = await open(`#text=${encodeURIComponent(TEXT)}`);
    const attention = await cells(page);
    await page.selectOption(SIGNAL, { label: "gradient × input" });
    await settled(page);
    await page.waitForFunction(() => location.hash.includes("signal=embedding%2Fgradient_x_input"));
    assert.notDeepEqual(await cells(page), attention);
    const values = await engineSays("sms-spam", "embedding/gradient_x_input", {});
    assert.ok(values.some((value) => value < 0) && values.some((value) => value > 0), "a text that shows both");
    const { x, y, width, height } = await page.locator("#mirror .cell").nth(2).boundingBox();
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.waitForSelector("#tooltip:not([hidden])");
    const number = (await page.textContent("#tooltip")).match(/gradient × input of spam ([−\d.e-]+)/)[1].replace("−", "-");
    assert.ok(Math.abs(Number(number) - values[2]) <= Math.abs(values[2]) * 0.01 + 5e-4, `${number} for ${values[2]}`);
    assert.ok(await hidden(page, ELEMENT), "a single unit leaves nothing to choose");
  });

  test("is of the likeliest class unless another is chosen, which a link keeps", async () => {
    const page = await open(`#sample=names-by-language&text=${encodeURIComponent(TEXT)}`);
    await page.selectOption(SIGNAL, { label: "gradient norm" });
    await settled(page);
    const [largest, ...classes] = await options(page, ELEMENT);
    assert.equal(largest, "of the largest output");
    assert.equal(classes.length, 18);
    const before = await cells(page);
    await page.selectOption(ELEMENT, { index: 4 });
    await settled(page);
    const after = await cells(page);
    assert.notDeepEqual(after, before);
    await page.waitForFunction(() => location.hash.includes("of=0%3A3"));
    const again = await open(new URL(page.url()).hash);
    assert.equal(await again.$eval(ELEMENT, (node) => node.selectedIndex), 4);
    assert.deepEqual(await cells(again), after);
  });
});
