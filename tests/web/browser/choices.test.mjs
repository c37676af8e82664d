/** What a model's file leaves open: listed on the model card, decided there, carried by a link. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { ROOT, cells, drop, inUse, openPage, prediction, sampleBytes, settled, typeText } from "../support/browser.mjs";
import { withMetadata } from "../support/bundle.mjs";
import { selfAttention } from "../support/self_attention.mjs";
import { browser, server, useSite } from "../support/site.mjs";

const TOKENIZER = readFileSync(`${ROOT}web/models/sms-spam/tokenizer.json`);

useSite();

/** The sample model with its vocabulary given apart: which end is padded is then assumed. */
async function pageWithAssumptions(fragment = "") {
  const opened = await openPage(browser, server.url + fragment, { reducedMotion: "reduce" });
  const bytes = withMetadata(sampleBytes(), { text: undefined, parity: undefined, examples: undefined, title: "Bare" });
  await drop(opened.page, [{ name: "bare.safetensors", bytes }, { name: "tokenizer.json", bytes: TOKENIZER }]);
  await opened.page.waitForFunction(() => document.querySelector("#model-title").textContent === "Bare");
  await settled(opened.page);
  return opened;
}

const control = (id) => `select[data-assumption="${id}"]`;
const steps = async (page) => Number((await page.textContent("#readout")).match(/step (\d+) of/)[1]);

describe("an assumption", () => {
  test("has a control; another value opens the same file with it, and text and view stay", async () => {
    const { page, faults, close } = await pageWithAssumptions();
    await typeText(page, "win 900 now");
    await page.selectOption('select[aria-label="palette"]', "blue");
    assert.equal(await steps(page), 250);
    const before = await prediction(page);
    await page.click("#model-button");
    assert.equal(await page.$eval(control("text.padding"), ({ value }) => value), "pre");
    await page.focus(control("text.padding"));
    await page.selectOption(control("text.padding"), "post");
    await page.waitForFunction((selector) => document.querySelector(selector)?.value === "post" && /chosen by you/.test(document.querySelector("#model-dialog").textContent), control("text.padding"));
    // The card stays open, at the control.
    assert.ok(await page.$eval(control("text.padding"), (select) => document.activeElement === select));
    await page.keyboard.press("Escape");
    await settled(page);
    assert.equal(await page.inputValue("#text"), "win 900 now");
    assert.equal(await page.$eval('select[aria-label="palette"]', ({ value }) => value), "blue");
    await page.focus("#text");
    await page.keyboard.press("Control+End");
    await page.waitForFunction(() => /step 11 of 250/.test(document.querySelector("#readout").textContent));
    await page.waitForFunction(() => location.hash.includes("assume.text.padding=post"));
    // And back.
    await page.click("#model-button");
    await page.click(".assumption button");
    await page.waitForFunction((selector) => document.querySelector(selector)?.value === "pre", control("text.padding"));
    await page.keyboard.press("Escape");
    await settled(page);
    assert.equal(await prediction(page), before);
    await page.waitForFunction(() => !location.hash.includes("assume."));
    assert.deepEqual(faults, []);
    await close();
  });

  test("is told beside the prediction, as long as nobody has decided it, and leads to its control", async () => {
    const { page, faults, close } = await pageWithAssumptions();
    const told = () => page.$eval("#assumptions-button", (button) => (button.hidden ? null : button.textContent));
    const many = await page.textContent("#assumptions-button");
    assert.match(many, /^(1 assumption|[2-9]\d* assumptions)$/);
    const count = Number.parseInt(many, 10);
    await page.click("#assumptions-button");
    assert.ok(await page.isVisible("#model-dialog"));
    assert.ok(await page.evaluate(() => document.activeElement.dataset.assumption !== undefined));
    assert.ok(await page.$eval(".assumption", (row) => {
      const [own, body] = [row.getBoundingClientRect(), row.closest(".dialog-body").getBoundingClientRect()];
      return own.top >= body.top && own.top < body.bottom;
    }));
    assert.equal(await page.$$eval("[data-assumption]", (all) => all.length), count);
    await page.selectOption(control("text.padding"), "post");
    await page.waitForFunction(() => /chosen by you/.test(document.querySelector("#model-dialog").textContent));
    await page.keyboard.press("Escape");
    assert.equal(await told(), count === 1 ? null : count === 2 ? "1 assumption" : `${count - 1} assumptions`);
    assert.deepEqual(faults, []);
    await close();
  });

  test("comes with a link, for the file it was made with", async () => {
    const { page, close } = await pageWithAssumptions("#model=bare.safetensors&assume.text.padding=post&text=win");
    assert.equal(await page.inputValue("#text"), "win");
    await page.focus("#text");
    await page.keyboard.press("Control+End");
    await page.waitForFunction(() => /step 3 of 250/.test(document.querySelector("#readout").textContent));
    await close();
  });

  test("of a link that means nothing to the model is left out, and the page says so", async () => {
    const { page, close } = await pageWithAssumptions("#model=bare.safetensors&assume.nonsense=1&text=win");
    assert.match(await page.textContent("#notices"), /link decided does not fit.*nonsense.*opened without/s);
    assert.match(await prediction(page), /ham|spam/);
    await page.waitForFunction(() => !location.hash.includes("assume."));
    await close();
  });

  test("goes with its model: another one is not asked for it", async () => {
    const { page, close } = await pageWithAssumptions("#model=bare.safetensors&assume.text.padding=post&text=bad");
    await drop(page, [{ name: "other.safetensors", bytes: selfAttention(16) }]);
    await page.waitForFunction(() => location.hash.includes("model=other"));
    await settled(page);
    assert.ok(!page.url().includes("assume."));
    assert.equal((await cells(page)).length, 3);
    await close();
  });
});

test("a model that leaves nothing open has no list of assumptions", async () => {
  const { page, close } = await openPage(browser, server.url);
  await drop(page, [{ name: "stated.safetensors", bytes: selfAttention(16) }]);
  await inUse(page, "stated.safetensors");
  await page.click("#model-button");
  assert.equal(await page.$$eval(".assumption", (rows) => rows.length), 0);
  assert.equal(await page.$eval("#assumptions-button", ({ hidden }) => hidden), true);
  await close();
});

const CLASSIC = `${ROOT}build/fixtures/keras-2.15/classic.safetensors`;

describe("a Lambda layer that cannot be read", { skip: !existsSync(CLASSIC) && "no build/fixtures: `npm test -- bindings` makes them" }, () => {
  /** A model whose Lambda calls a function of its author's: its code is only named. */
  const unread = () => {
    const bytes = new Uint8Array(readFileSync(CLASSIC));
    const text = Buffer.from(bytes).toString("latin1");
    const length = Number(Buffer.from(bytes).readBigUInt64LE(0));
    const config = JSON.parse(JSON.parse(text.slice(8, 8 + length)).__metadata__.model_config);
    const layer = config.config.layers.find(({ class_name }) => class_name === "Lambda");
    Object.assign(layer.config, { function: "my_sum", function_type: "function" });
    return { name: layer.config.name, bytes: withMetadata(bytes, { model_config: config, parity: undefined }) };
  };

  test("is asked for by its name, and nothing is sent off without a word on it", async () => {
    const { page, faults, close } = await openPage(browser, server.url);
    const { name, bytes } = unread();
    await drop(page, [{ name: "own.safetensors", bytes }]);
    await page.waitForSelector("#lambda-dialog[open]");
    assert.equal(await page.textContent("#lambda-dialog label"), name);
    await page.click("#lambda-dialog .primary");
    assert.match(await page.textContent("#lambda-dialog .dialog-problems"), /expected what it computes/);
    await page.click("#lambda-dialog .chip");
    assert.equal(await page.inputValue("#lambda-dialog input"), "sum(axis=1)");
    assert.deepEqual(faults, []);
    await close();
  });

  test("opens with a line for it, which the card lists, and takes another", async () => {
    const { page, faults, close } = await openPage(browser, server.url);
    const { name, bytes } = unread();
    await drop(page, [{ name: "own.safetensors", bytes }]);
    await page.waitForSelector("#lambda-dialog[open]");
    await page.fill("#lambda-dialog input", "sum(axis=");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => /sum\(axis=/.test(document.querySelector("#lambda-dialog .dialog-problems").textContent));
    await page.fill("#lambda-dialog input", "sum(axis=1)");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#lambda-dialog", { state: "hidden" });
    await page.waitForFunction((id) => decodeURIComponent(location.hash).includes(`assume.lambda:${id}=sum(axis=1)`), name);
    await page.$$eval("dialog[open]", (dialogs) => dialogs.forEach((dialog) => dialog.close()));
    await page.click("#model-button");
    const field = `[data-assumption="lambda:${name}"]`;
    assert.equal(await page.inputValue(field), "sum(axis=1)");
    await page.fill(field, "mean(axis=1)");
    await page.press(field, "Enter");
    await page.waitForFunction((id) => decodeURIComponent(location.hash).includes(`assume.lambda:${id}=mean(axis=1)`), name);
    assert.equal(await page.inputValue(field), "mean(axis=1)");
    assert.deepEqual(faults, []);
    await close();
  });

  test("can be put off: the model before stays, and the notice says why", async () => {
    const { page, close } = await openPage(browser, server.url);
    const { name, bytes } = unread();
    await drop(page, [{ name: "own.safetensors", bytes }]);
    await page.waitForSelector("#lambda-dialog[open]");
    await page.keyboard.press("Escape");
    assert.match(await page.textContent(".notice"), new RegExp(`${name}.*stays in use`, "s"));
    assert.match(await prediction(page), /ham|spam/);
    await close();
  });
});
