/** The colours on screen are those that Keras's own attention implies. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { ROOT, cells, openPage, settled, typeText } from "../support/browser.mjs";
import { browser, server, useSite } from "../support/site.mjs";

const PARITY = JSON.parse(readFileSync(`${ROOT}web/models/sms-spam/parity.json`, "utf8"));
const ATTENTION = "attention_vec";
const LENGTH = 250;

/** Texts of which every code point is in the vocabulary, and each a cell of its own. */
const CASES = PARITY.cases.filter((one) => one.text && /^[\x20-\x7e]+$/.test(one.text) && knownAll(one));

/** Pre-padding: a text that fits has as many ids at the end as it has characters, if none was left out. */
function knownAll({ text, ids }) {
  const read = ids[0].filter((id) => id !== 0).length;
  return read === Math.min(text.length, LENGTH);
}

/** Keras's attention on the characters that are read, in order. */
function attentionOf({ text, attention }) {
  const { values } = attention[ATTENTION];
  return values.slice(LENGTH - Math.min(text.length, LENGTH));
}

const components = (rgb) => rgb.match(/[\d.]+/g).slice(0, 3).map(Number);

useSite();

test("there are texts to compare, short and longer than the input", () => {
  assert.ok(CASES.length >= 3, `expected three or more, found ${CASES.length}`);
  assert.ok(CASES.some(({ text }) => text.length > LENGTH));
});

/** The classic formula, rgb(255, 255 - 255 a, 255 - 255 a), as the README has it. */
const SCALES = {
  raw: () => (a) => a,
  max: (all) => (a) => a / Math.max(...all),
  // One character is both the smallest and the largest: nothing can be told apart, nothing is coloured.
  minmax: (all) => (a) => (all.length === 1 ? 0 : (a - Math.min(...all)) / (Math.max(...all) - Math.min(...all))),
  uniform: () => (a) => Math.min(1, (a * LENGTH) / 10),
};

for (const [scale, shadeOf] of Object.entries(SCALES)) {
  describe(`classic red, scale ${scale}`, () => {
    let opened;
    before(async () => {
      opened = await openPage(browser, `${server.url}#palette=red&scale=${scale}&theme=light`);
    });
    after(() => opened.close());
    for (const one of CASES) {
      test(`${one.name}: every character has the colour of Keras's attention`, async () => {
        const { page, faults } = opened;
        await typeText(page, one.text);
        const shown = await cells(page);
        const attention = attentionOf(one);
        assert.equal(shown.map(({ text }) => text).join(""), one.text.slice(-LENGTH));
        const shade = shadeOf(attention);
        for (const [i, { glow }] of shown.entries()) {
          const [red, green, blue] = components(glow);
          const expected = 255 - 255 * shade(attention[i]);
          assert.equal(red, 255);
          assert.equal(green, blue);
          // Half a step for rounding, and what 1e-6 of attention can move it.
          const slack = 0.5 + 255 * shade(1e-6 + attention[i]) - 255 * shade(attention[i]) + 1e-3;
          assert.ok(Math.abs(green - expected) <= slack, `character ${i} of ${one.name}: expected ${expected}, found ${green}`);
        }
        assert.deepEqual(faults, []);
      });
    }
  });
}

test("the prediction on screen is Keras's", async () => {
  const { page, close } = await openPage(browser, server.url);
  for (const one of CASES) {
    await typeText(page, one.text);
    const [output] = Object.values(one.outputs);
    const p = output.values[0];
    const [label, shown] = (await page.textContent(".prediction-head")).split(" ");
    assert.equal(label, p >= 0.5 ? "spam" : "ham", one.name);
    const sure = Math.max(p, 1 - p);
    if (shown.startsWith(">")) assert.ok(sure > 0.9995, one.name);
    else assert.ok(Math.abs(Number(shown) - sure) <= 0.0006, `${one.name}: expected ${sure}, found ${shown}`);
  }
  await close();
});

test("letters are readable on every colour, and paper is the colour the palettes start from", async () => {
  for (const theme of ["light", "dark"]) {
    const { page, close } = await openPage(browser, `${server.url}#theme=${theme}&palette=ember`);
    const paper = await page.$eval(".sheet", (node) => getComputedStyle(node).backgroundColor);
    assert.equal(paper, theme === "light" ? "rgb(255, 255, 255)" : "rgb(29, 29, 33)");
    for (const { glow, ink, text } of await cells(page)) {
      assert.ok(contrast(components(glow), components(ink)) >= 4.5, `${theme} ${text}: ${ink} on ${glow}`);
    }
    await close();
  }
});

test("changing scale or palette recolours, and is in the address", async () => {
  const { page, close } = await openPage(browser, server.url);
  const first = await cells(page);
  await page.selectOption('select[aria-label="palette"]', "blue");
  await page.selectOption('select[aria-label="scale"]', "uniform");
  await settled(page);
  const second = await cells(page);
  assert.notDeepEqual(second.map(({ glow }) => glow), first.map(({ glow }) => glow));
  await page.waitForFunction(() => location.hash.includes("palette=blue") && location.hash.includes("scale=uniform"));
  await page.reload();
  await settled(page);
  assert.deepEqual(await cells(page), second);
  await close();
});

test("a character the model does not know has a pattern, and no colour", async () => {
  const { page, close } = await openPage(browser, server.url);
  await typeText(page, "win \u00e7\u5b57 now");
  const shown = await cells(page);
  const unknown = shown.filter(({ classes }) => classes.includes("dropped"));
  assert.deepEqual(unknown.map(({ text }) => text), ["\u00e7", "\u5b57"]);
  for (const { classes } of unknown) assert.ok(!classes.some((name) => /^g\d/.test(name)));
  const image = await page.$eval("#mirror .dropped", (node) => getComputedStyle(node).backgroundImage);
  assert.match(image, /repeating-linear-gradient/);
  assert.match(await page.textContent("#truth"), /2 unknown, left out/);
  await close();
});

/** WCAG contrast, written again here: the test must not share a mistake with the page. */
function contrast(a, b) {
  const luminance = (rgb) => {
    const [r, g, bl] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * bl;
  };
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
}
