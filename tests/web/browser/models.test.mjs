/** Models of many kinds: those that real Keras made for the engine's tests, each dropped on the page. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { loadEngine } from "../../../scripts/lib/engine.mjs";
import { charsetEncoding } from "../../../wasm/host.mjs";
import { cells, checked, drop, launch, openPage, prediction, ROOT, serveDist, settled, typeText } from "../support/browser.mjs";

const FOLDER = `${ROOT}build/fixtures`;
const BUNDLES = existsSync(FOLDER)
  ? readdirSync(FOLDER).flatMap((generation) =>
      readdirSync(`${FOLDER}/${generation}`)
        .filter((file) => file.endsWith(".safetensors"))
        .map((file) => ({ generation, name: file.replace(".safetensors", ""), path: `${FOLDER}/${generation}/${file}` })))
  : [];
const skip = BUNDLES.length === 0 && "no build/fixtures: `npm test -- bindings` makes them";
const fixture = (generation, name) => BUNDLES.find((one) => one.generation === generation && one.name === name);

let browser, server, opened;
before(async () => {
  browser = await launch();
  server = await serveDist();
  opened = await openPage(browser, server.url);
});
after(async () => {
  await browser.close();
  await server.close();
});

let drops = 0;

/** Drops a bundle and waits for what comes of it: "text", "vocabulary", "numbers" or "refused". */
async function open({ generation, name, path }) {
  const { page } = opened;
  const file = `${generation}-${name}-${++drops}.safetensors`;
  await page.$$eval("dialog[open]", (dialogs) => dialogs.forEach((dialog) => dialog.close()));
  await page.$$eval(".dismiss", (buttons) => buttons.forEach((button) => button.click()));
  await drop(page, [{ name: file, bytes: readFileSync(path) }]);
  await page.waitForFunction((title) => document.querySelector("#model-button").title === title || document.querySelector(".notice.alert"), `Model card of ${file}`);
  if (await page.$(".notice.alert")) return "refused";
  await settled(page);
  if (await page.isVisible("#vocabulary-dialog")) return "vocabulary";
  return /fed numbers/.test(await page.textContent("#prediction")) ? "numbers" : "text";
}

async function giveCharset(charset) {
  const { page } = opened;
  await page.fill("#charset", charset);
  await page.click("#vocabulary-dialog .primary");
  await page.waitForSelector("#vocabulary-dialog", { state: "hidden" });
  await settled(page);
}

/** Of a case that several generations have, one: tests/bindings compares the numbers of all. */
const CASES = [...new Map(BUNDLES.map((one) => [one.name, one])).values()];

describe("every case of the fixtures", { skip }, () => {
  for (const one of CASES) {
    test(`${one.generation} ${one.name}: shows a prediction, asks for its vocabulary, or says why not`, async () => {
      const { page, faults } = opened;
      const outcome = await open(one);
      if (outcome === "refused") assert.match(await page.textContent(".notice"), /: expected .*, found /);
      else if (outcome === "text") {
        assert.match(await prediction(page), /\d\.\d|^\d+ (numbers|probabilities)|\(/);
        // Weights alone do not say to how many timesteps their texts were padded: until that is chosen they are not.
        const truth = one.name.startsWith("bare_") ? /(agrees with|differs from) Keras/ : /agrees with Keras to|no numbers of Keras/;
        await checked(page);
        assert.match(await page.textContent("#truth"), truth);
      }
      assert.deepEqual(faults.splice(0), []);
    });
  }
});

describe("kinds of models", { skip }, () => {
  test("three classes: a bar for each, the likeliest first, together 1", async () => {
    const { page } = opened;
    assert.equal(await open(fixture("keras-2.15", "three_classes")), "vocabulary");
    await giveCharset("abcd");
    const numbers = (await page.$$eval(".class-number", (nodes) => nodes.map((node) => node.textContent))).map(Number);
    assert.equal(numbers.length, 3);
    assert.ok(numbers[0] >= numbers[1] && numbers[1] >= numbers[2]);
    assert.ok(Math.abs(numbers[0] + numbers[1] + numbers[2] - 1) < 0.002);
    assert.match(await prediction(page), /^output \d 0\.\d{3}$/);
  });

  test("two outputs: both are shown, each by its name", async () => {
    const { page } = opened;
    assert.equal(await open(fixture("keras-2.15", "two_outputs")), "vocabulary");
    await giveCharset("abcd");
    assert.equal(await page.$$eval(".prediction-output", (nodes) => nodes.length), 2);
    assert.equal(await page.$$eval(".prediction-name", (nodes) => nodes.length), 2);
  });

  test("an attention that says nothing is explained, and every character has the same colour", async () => {
    const { page } = opened;
    assert.equal(await open(fixture("keras-2.15", "degenerate_softmax")), "vocabulary");
    await giveCharset("abcd");
    await typeText(page, "abca");
    // The caret is back in the text after the dialog, so that typing goes on.
    assert.equal(await page.inputValue("#text"), "abca");
    assert.match(await page.textContent("#legend"), /softmax over an axis of length 1/);
    assert.equal(new Set((await cells(page)).map(({ glow }) => glow)).size, 1);
  });

  test("without attention: the prediction runs, and the page says why nothing glows", async () => {
    const { page } = opened;
    assert.equal(await open(fixture("keras-2.2", "sequential")), "text");
    await typeText(page, "abc");
    assert.match(await prediction(page), /class \d 0\.\d{3}/);
    assert.match(await page.textContent("#legend"), /no attention to show/);
    assert.deepEqual((await cells(page)).filter(({ classes }) => classes.some((name) => /^g\d/.test(name))), []);
  });

  test("words: a cell for each word, and what separates them is none", async () => {
    const { page } = opened;
    assert.equal(await open(fixture("keras-2.15", "text_words")), "text");
    const { vocabulary } = JSON.parse(JSON.parse(readFileSync(fixture("keras-2.15", "text_words").path).toString("latin1").match(/"text":("(?:[^"\\]|\\.)*")/)[1]));
    const [first, second] = Object.keys(vocabulary).filter((word) => /^[a-z]{2,}$/.test(word));
    await typeText(page, `${first} ${second}`);
    const shown = await cells(page);
    assert.deepEqual(shown.map(({ text }) => text), [first, " ", second]);
    assert.ok([0, 2].every((i) => shown[i].classes.some((name) => /^g\d/.test(name))));
    assert.ok(shown[1].classes.includes("filtered"));
    assert.match(await page.textContent("#truth"), /^2 words read/);
    // A letter more: the word keeps its place, and its colour until the engine has answered.
    await page.keyboard.press("Control+Home");
    await page.keyboard.type("x");
    await settled(page);
    assert.equal((await cells(page))[0].text, `x${first}`);
    assert.match(await page.textContent("#readout"), new RegExp(`^\u201cx${first}\u201d`));
  });

  test("an unknown character that is read is coloured and marked", async () => {
    const { page } = opened;
    assert.equal(await open(fixture("keras-2.15", "text_oov")), "text");
    await typeText(page, "\u5b57");
    const [cell] = await cells(page);
    assert.ok(cell.classes.includes("unknown") && cell.classes.some((name) => /^g\d/.test(name)));
    assert.match(await page.textContent("#truth"), /1 unknown to the model/);
  });

  test("several texts: each has its place, a click brings the editor there, and both are in the link", async () => {
    const { page, faults } = opened;
    assert.equal(await open(fixture("keras-2.15", "format_inputs_outputs")), "vocabulary");
    await giveCharset("abcd");
    const bytes = readFileSync(fixture("keras-2.15", "format_inputs_outputs").path);
    const model = (await loadEngine()).open(bytes, "inputs").withText(charsetEncoding("abcd"), "charset");
    const session = model.newSession();
    const names = model.card.inputs.filter(({ kind }) => kind !== "values").map(({ layer }) => layer);
    assert.deepEqual(names, ["text", "title"]);
    assert.equal(await page.textContent("#input-name"), "text");
    assert.match(await page.textContent("#input-note"), /\u201cnumbers\u201d \(batch, 2\): fed zeros here/);
    await typeText(page, "abca");
    session.setText("abca", 0);
    await page.click(".still-name");
    assert.equal(await page.textContent("#input-name"), "title");
    assert.equal(await page.inputValue("#text"), "");
    await typeText(page, "db");
    const { outputs } = session.setText("db", 1);
    const binary = outputs.find(({ shape }) => shape.join() === "1,1").values[0];
    const shown = await page.$$eval(".prediction-output", (blocks) => blocks.map((block) => block.textContent));
    assert.equal(shown.length, outputs.length);
    assert.ok(shown.some((text) => text.includes(Math.max(binary, 1 - binary).toFixed(3))), `${shown} has ${binary}`);
    assert.equal(await page.textContent(".still .mirror"), "abca\u200b");
    await page.waitForFunction(() => /text=abca.*text2=db/.test(location.hash));
    // Back, with the caret where one clicked.
    await page.click(".still .mirror .cell:nth-child(2)");
    assert.equal(await page.inputValue("#text"), "abca");
    assert.equal(await page.$eval("#text", (input) => document.activeElement === input && input.selectionEnd), 2);
    await page.keyboard.type("d");
    await settled(page);
    assert.equal(await page.inputValue("#text"), "abdca");
    assert.deepEqual(faults.splice(0), []);
    // A model with one input has no need of names.
    await open(fixture("keras-2.15", "text_words"));
    assert.equal(await page.isVisible("#input-name"), false);
    assert.equal(await page.$(".still"), null);
  });

  test("fed numbers: the page says that text cannot be given to it", async () => {
    const { page } = opened;
    const outcome = await open(fixture("keras-2.15", "number_inputs"));
    assert.ok(["numbers", "refused"].includes(outcome), outcome);
    assert.match(await page.textContent("#prediction"), /fed numbers/);
  });
});
