/** What the colours show: which attention, which feature, whose; the heat map, and that it and the text speak of the same. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import { loadEngine } from "../../../scripts/lib/engine.mjs";
import { charsetEncoding } from "../../../wasm/host.mjs";
import { ROOT, cells, drop, inUse, openPage, settled, typeText } from "../support/browser.mjs";
import { parse } from "../support/bundle.mjs";
import { attentionOf, selfAttention } from "../support/self_attention.mjs";
import { browser, server, useSite } from "../support/site.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const STEPS = 16;
const TEXT = "bad cafe";

useSite();

/** A page with a model of its own in use. */
async function pageWith(bytes, { text, charset, fragment = "#palette=red", ...context } = {}) {
  const opened = await openPage(browser, server.url + fragment, { reducedMotion: "reduce", ...context });
  const { page } = opened;
  await drop(page, [{ name: "mine.safetensors", bytes }]);
  await inUse(page, "mine.safetensors");
  if (charset) {
    await page.fill("#charset", charset);
    await page.click("#vocabulary-dialog .primary");
    await page.waitForSelector("#vocabulary-dialog", { state: "hidden" });
  }
  await settled(page);
  if (text !== undefined) await typeText(page, text);
  return opened;
}

/** What the engine says by itself of a fixture without a vocabulary, for the text that the page is given too. */
async function signalOf(bytes) {
  const model = (await loadEngine()).open(bytes, "fixture").withText(charsetEncoding("abcd"), "charset");
  return model.newSession().setText("abca").signals[0];
}

const matrixPage = (options) => pageWith(selfAttention(STEPS), { text: TEXT, ...options });

/** Clicks a character as one does: on its left half, or its right. */
async function clickCharacter(page, index, share = 0.25) {
  const { x, y, width, height } = await page.locator("#mirror .cell").nth(index).boundingBox();
  await page.mouse.click(x + share * width, y + height - 10);
  await page.waitForFunction((at) => document.querySelectorAll("#mirror .cell")[at].dataset.query === "true", index);
  await settled(page);
}

const marked = (page, mark) => page.$$eval("#mirror .cell", (nodes, name) => nodes.flatMap((node, i) => (node.dataset[name] ? [i] : [])), mark);
const readout = (page) => page.textContent("#readout");

/** Where the cell of a row and a column (of those shown) is on screen, and its colour. */
function heatCell(page, row, column) {
  return page.$eval(".heat-canvas", (canvas, at) => {
    // Labels of one letter have 17 pixels beside the cells.
    const { left, top } = canvas.getBoundingClientRect();
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const room = 17;
    const [cellWidth, cellHeight] = [(width - room) / at.columns, (height - room) / at.rows];
    const [x, y] = [room + (at.column + 0.5) * cellWidth - 0.5, room + (at.row + 0.5) * cellHeight - 0.5];
    const ratio = canvas.width / width;
    const [red, green, blue] = canvas.getContext("2d").getImageData(Math.round(x * ratio), Math.round(y * ratio), 1, 1).data;
    return { x: left + x, y: top + y, colour: `rgb(${red}, ${green}, ${blue})` };
  }, { row, column, rows: TEXT.length, columns: TEXT.length });
}

/** Reads what is drawn until it is as it should be, or two seconds have passed; answers with what was read last. */
async function drawnAnew(read, isAsItShould) {
  const deadline = performance.now() + 2000;
  let drawn = await read();
  while (!isAsItShould(drawn) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    drawn = await read();
  }
  return drawn;
}

/** The colours of the heat map's opaque pixels, "red,green,blue", each once. */
const inksOf = (page) => page.$eval(".heat-canvas", (canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const colours = new Set();
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) colours.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
  return [...colours];
});

const isGrey = (colour) => new Set(colour.split(",")).size === 1;

/** Opaque pixels within a cell of the heat map. Its frame, where it is in the picked row, lies outside. */
async function inkIn(page, row, column) {
  const { x, y } = await heatCell(page, row, column);
  return page.$eval(".heat-canvas", (canvas, at) => {
    const box = canvas.getBoundingClientRect();
    const ratio = canvas.width / canvas.clientWidth;
    const half = Math.floor((((canvas.clientWidth - 17) / at.columns) * ratio) / 2) - 2;
    const [left, top] = [Math.round((at.x - box.left) * ratio) - half, Math.round((at.y - box.top) * ratio) - half];
    const { data } = canvas.getContext("2d").getImageData(left, top, 2 * half, 2 * half);
    let inked = 0;
    for (let i = 3; i < data.length; i += 4) if (data[i] === 255) inked++;
    return inked;
  }, { x, y, columns: TEXT.length });
}

/** What one can choose of, by what a screen reader says. */
const shownPickers = (page) =>
  page.$$eval("#signal-controls select", (all) => all.filter(({ hidden }) => !hidden).map((select) => select.getAttribute("aria-label")));

describe("controls are there only where there is something to choose", () => {
  test("one attention, a vector: a picker of it, the gradients and the gates, no heat map", async () => {
    const { page, close } = await openPage(browser, server.url);
    assert.deepEqual(await shownPickers(page), ["what the colours show"]);
    const offered = await page.$$eval("#signal-controls select option", (all) => all.map(({ textContent }) => textContent));
    assert.deepEqual(offered.slice(0, 7), ["attention", "gradient \u00d7 input", "gradient norm", "update gate", "reset gate", "candidate", "state"]);
    assert.equal(await page.isVisible("#heat"), false);
    assert.equal(await page.isVisible("#heat-note"), false);
    await close();
  });

  test("a matrix: whose attention, and nothing of heads", async () => {
    const { page, close } = await matrixPage();
    const shown = await page.$$eval("#signal-controls select", (all) => all.filter(({ hidden }) => !hidden).map((select) => select.getAttribute("aria-label")));
    assert.deepEqual(shown, ["what the colours show", "query"]);
    assert.ok(await page.isVisible(".heat-canvas"));
    await close();
  });
});

describe("a matrix", () => {
  const attention = attentionOf(TEXT, STEPS).map((row) => row.slice(-TEXT.length)).slice(-TEXT.length);
  const largest = Math.max(...attention.flat());

  test("the text glows with the attention of the character one clicks, on the scale of all that is on screen", async () => {
    const { page, faults, close } = await matrixPage();
    for (const [query, share] of [[5, 0.25], [0, 0.25], [7, 0.75], [3, 0.75]]) {
      await clickCharacter(page, query, share);
      assert.deepEqual(await marked(page, "query"), [query]);
      for (const [i, { glow }] of (await cells(page)).entries()) {
        const [red, green] = glow.match(/\d+/g).map(Number);
        assert.equal(red, 255);
        assert.ok(Math.abs(green - (255 - (255 * attention[query][i]) / largest)) <= 1, `query ${query}, character ${i}: ${glow}`);
      }
      await page.waitForFunction((step) => location.hash.includes(`query=${step}`), STEPS - TEXT.length + query + 1);
    }
    assert.deepEqual(faults, []);
    await close();
  });

  test("typing and the arrow keys move the query along with the caret", async () => {
    const { page, close } = await matrixPage();
    assert.deepEqual(await marked(page, "query"), [TEXT.length - 1]);
    await page.keyboard.type("h");
    await settled(page);
    assert.deepEqual(await marked(page, "query"), [TEXT.length]);
    for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowLeft");
    await page.waitForFunction((at) => document.querySelectorAll("#mirror .cell")[at].dataset.query === "true", TEXT.length - 3);
    assert.match(await readout(page), /attention of \u201ca\u201d /);
    await close();
  });

  test("the mean over all stays while one types, until a character is clicked", async () => {
    const { page, close } = await matrixPage();
    await page.selectOption('select[aria-label="query"]', "mean");
    await settled(page);
    assert.deepEqual(await marked(page, "query"), []);
    await page.focus("#text");
    await page.keyboard.press("Control+End");
    const all = attentionOf(TEXT, STEPS);
    const mean = all.reduce((sum, row) => sum + row[STEPS - 1], 0) / STEPS;
    await page.waitForFunction((value) => document.querySelector("#readout").textContent.includes(`attention ${value}`), mean.toPrecision(3));
    await page.keyboard.type("h");
    await settled(page);
    assert.deepEqual(await marked(page, "query"), []);
    await clickCharacter(page, 2);
    assert.equal(await page.$eval('select[aria-label="query"]', ({ value }) => value), "");
    await close();
  });

  test("the heat map has the text's own colours, row by row", async () => {
    const { page, close } = await matrixPage();
    for (const query of [1, 6]) {
      await clickCharacter(page, query);
      await page.mouse.move(5, 5);
      const shown = await cells(page);
      for (let column = 0; column < TEXT.length; column++) {
        assert.equal((await heatCell(page, query, column)).colour, shown[column].glow, `row ${query}, column ${column}`);
      }
    }
    await close();
  });

  test("a cell one points at marks both its characters and tells its value; leaving it takes all back", async () => {
    const { page, close } = await matrixPage();
    await clickCharacter(page, 4);
    const before = await readout(page);
    const { x, y } = await heatCell(page, 2, 6);
    await page.mouse.move(x, y);
    await page.waitForSelector("#tooltip:not([hidden])");
    assert.deepEqual([await marked(page, "query"), await marked(page, "hover")], [[2], [6]]);
    const value = attention[2][6];
    const words = `\u201cd\u201d \u2192 \u201cf\u201d`;
    for (const said of [await page.textContent("#tooltip"), await readout(page)]) {
      assert.ok(said.startsWith(words), said);
      assert.ok(said.includes(`query ${STEPS - TEXT.length + 3} of ${STEPS} · step ${STEPS - TEXT.length + 7} of ${STEPS}`), said);
      assert.ok(said.includes(`attention ${value.toPrecision(3)}`), `${said} has ${value}`);
    }
    await page.mouse.move(5, 5);
    await page.waitForSelector("#tooltip", { state: "hidden" });
    assert.deepEqual([await marked(page, "query"), await marked(page, "hover")], [[4], []]);
    assert.equal(await readout(page), before);
    await close();
  });

  test("a click on a row makes it the query, and the caret goes there", async () => {
    const { page, close } = await matrixPage();
    const { x, y } = await heatCell(page, 1, 5);
    await page.mouse.click(x, y);
    await page.mouse.move(5, 5);
    assert.deepEqual(await marked(page, "query"), [1]);
    assert.equal(await page.$eval("#text", (input) => input.selectionEnd), 2);
    await page.focus("#text");
    assert.deepEqual(await marked(page, "query"), [1]);
    await close();
  });

  test("a character one points at in the text marks its column", async () => {
    const { page, close } = await matrixPage();
    await page.mouse.move(5, 5);
    const picture = () => page.$eval(".heat-canvas", (canvas) => canvas.toDataURL());
    const before = await picture();
    const { x, y, width, height } = await page.locator("#mirror .cell").nth(3).boundingBox();
    await page.mouse.move(x + width / 2, y + height - 10);
    await page.waitForSelector("#tooltip:not([hidden])");
    assert.notEqual(await picture(), before);
    await page.mouse.move(5, 5);
    await page.waitForSelector("#tooltip", { state: "hidden" });
    assert.equal(await picture(), before);
    await close();
  });

  test("by keyboard: arrows walk over the cells and tell them, Enter chooses the row, Escape leaves", async () => {
    const { page, close } = await matrixPage();
    await page.focus("#pick-file");
    await page.locator(".heat-canvas").focus();
    await page.keyboard.press("Home");
    for (let i = 0; i < 2; i++) await page.keyboard.press("ArrowUp");
    await page.keyboard.press("ArrowRight");
    const [row, column] = [TEXT.length - 3, 1];
    await page.waitForFunction((words) => document.querySelector("#said").textContent.startsWith(words), `\u201ca\u201d \u2192 \u201ca\u201d: attention ${attention[row][column].toPrecision(3)}`);
    assert.deepEqual([await marked(page, "query"), await marked(page, "hover")], [[row], [column]]);
    await page.keyboard.press("Enter");
    await page.waitForFunction((step) => location.hash.includes(`query=${step}`), STEPS - TEXT.length + row + 1);
    await page.keyboard.press("Escape");
    assert.deepEqual([await marked(page, "query"), await marked(page, "hover")], [[row], []]);
    // At the edges it stays.
    await page.locator(".heat-canvas").focus();
    for (let i = 0; i < 12; i++) await page.keyboard.press("ArrowDown");
    await page.keyboard.press("End");
    assert.deepEqual([await marked(page, "query"), await marked(page, "hover")], [[TEXT.length - 1], [TEXT.length - 1]]);
    assert.match(await page.getAttribute(".heat-canvas", "aria-label"), /attention, 8 rows \(queries\) by 8 columns \(steps\)\. Arrow keys move, Enter chooses/);
    await close();
  });

  test("steps without text are shown when asked for, and named", async () => {
    const { page, close } = await matrixPage();
    const width = () => page.$eval(".heat-canvas", (canvas) => canvas.getAttribute("aria-label"));
    assert.match(await width(), /8 rows .* 8 columns/);
    await page.click("#heat-note button");
    assert.match(await width(), /16 rows .* 16 columns/);
    await page.waitForFunction(() => location.hash.includes("padding=shown"));
    const box = await page.locator(".heat-canvas").boundingBox();
    await page.mouse.move(box.x + 22, box.y + 22);
    await page.waitForFunction(() => document.querySelector("#tooltip").textContent.startsWith("padding at step 1 \u2192 padding at step 1"));
    await page.click("#heat-note button");
    assert.match(await width(), /8 rows .* 8 columns/);
    await close();
  });

  test("a link has the query: the same colours, and the caret beside its character", async () => {
    const { page, close } = await matrixPage();
    await clickCharacter(page, 5);
    await page.waitForFunction((step) => location.hash.includes(`query=${step}`), STEPS - TEXT.length + 6);
    const [shown, link] = [await cells(page), new URL(page.url()).hash];
    await clickCharacter(page, 1);
    await page.waitForFunction((step) => location.hash.includes(`query=${step}`), STEPS - TEXT.length + 2);
    await page.evaluate((hash) => { location.hash = hash; }, link);
    await page.waitForFunction(() => document.querySelectorAll("#mirror .cell")[5].dataset.query === "true");
    await settled(page);
    assert.deepEqual(await cells(page), shown);
    assert.equal(await page.$eval("#text", (input) => input.selectionEnd), 6);
    await close();
  });

  test("without text there are no cells, and no fault", async () => {
    const { page, faults, close } = await matrixPage({ text: "" });
    assert.match(await page.getAttribute(".heat-canvas", "aria-label"), /0 rows .* 0 columns/);
    await page.locator(".heat-canvas").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await typeText(page, "a");
    assert.deepEqual(await marked(page, "query"), [0]);
    assert.deepEqual(faults, []);
    await close();
  });

  test("250 by 250: all of it fits, and a key is answered in good time", async () => {
    const text = "bad cafe had a bed ".repeat(14).slice(0, 250);
    const { page, faults, close } = await pageWith(selfAttention(250), { text });
    const { cell, fits } = await page.$eval(".heat-canvas", ({ clientWidth, clientHeight }) => {
      const box = document.querySelector("#heat");
      return { cell: (clientWidth - 17) / 250, fits: clientWidth <= box.clientWidth && clientHeight <= box.clientHeight };
    });
    assert.ok(cell >= 1.5 && fits, `cells of ${cell} px`);
    await page.keyboard.press("Backspace");
    await settled(page);
    const drawn = await page.evaluate(() => {
      const start = performance.now();
      for (let i = 0; i < 5; i++) window.dispatchEvent(new Event("resize"));
      return (performance.now() - start) / 5;
    });
    assert.ok(drawn < 250, `all of it is drawn in ${drawn} ms`);
    assert.deepEqual(faults, []);
    await close();
  });
});

describe("how the heat map sits", () => {
  for (const width of [320, 768, 1120]) {
    test(`${width} px: no horizontal scroll, and nothing below it moves while one types`, async () => {
      const { page, close } = await matrixPage({ text: "ab", viewport: { width, height: 900 } });
      const measure = () => page.evaluate(() => ({
        wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        truth: document.querySelector("#truth").getBoundingClientRect().top + scrollY,
      }));
      const before = await measure();
      assert.equal(before.wide, 0);
      await page.keyboard.type("cafe dead bed");
      await settled(page);
      assert.deepEqual(await measure(), before);
      await close();
    });
  }

  for (const colorScheme of ["light", "dark"]) {
    test(`axe finds nothing serious, ${colorScheme}`, async () => {
      const { page, close } = await matrixPage({ colorScheme, bypassCSP: true });
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => window.axe.run());
      const bad = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      assert.deepEqual(bad.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), []);
      await close();
    });
  }

  test("it follows the theme, and with forced colours says by area what it cannot by colour", async () => {
    const { page, close } = await matrixPage({ colorScheme: "light", alone: true });
    // The page draws the canvas anew in the frame after it hears of the change: what is waited for is the drawing itself.
    const { colour: light } = await heatCell(page, 0, 1);
    await page.emulateMedia({ colorScheme: "dark" });
    const { colour: dark } = await drawnAnew(() => heatCell(page, 0, 1), ({ colour }) => colour !== light);
    assert.notEqual(dark, light);
    await page.emulateMedia({ colorScheme: "light" });
    assert.equal((await drawnAnew(() => heatCell(page, 0, 1), ({ colour }) => colour === light)).colour, light);
    // The theme stays: the page must hear of this change itself.
    await page.emulateMedia({ colorScheme: "light", forcedColors: "active" });
    // Cells of little attention are dots of ink: of every colour but the ink's there is nothing left.
    const inked = await drawnAnew(() => inksOf(page), (colours) => colours.every(isGrey));
    assert.ok(inked.length > 0 && inked.every(isGrey), `only ink: ${inked.slice(0, 5)}`);
    const row = attentionOf(TEXT, STEPS).at(-TEXT.length).slice(-TEXT.length);
    const [most, least] = [row.indexOf(Math.max(...row)), row.indexOf(Math.min(...row))];
    const [large, small] = [await inkIn(page, 0, most), await inkIn(page, 0, least)];
    assert.ok(large > small, `ink in the cell of most attention ${large}, of least ${small}`);
    await close();
  });
});

const FEATURES = `${ROOT}build/fixtures/keras-2.15/attention_3d_block.safetensors`;

describe("an attention for each feature", { skip: !existsSync(FEATURES) && "no build/fixtures: `npm test -- bindings` makes them" }, () => {
  test("the mean colours the text; a feature from the list, or its row in the heat map, recolours it", async () => {
    const bytes = new Uint8Array(readFileSync(FEATURES));
    const signal = await signalOf(bytes);
    const [features, steps] = signal.shape;
    const weight = (feature) => signal.values[feature * steps + steps - 1];
    const mean = Array.from({ length: features }, (_, feature) => weight(feature)).reduce((sum, value) => sum + value) / features;

    const { page, faults, close } = await pageWith(bytes, { charset: "abcd", text: "abca" });
    const said = (value) => page.waitForFunction((number) => document.querySelector("#readout").textContent.includes(`attention ${number} `), value.toPrecision(3));
    await said(mean);
    assert.equal(await page.$eval('select[aria-label="feature"]', (select) => select.options.length), features + 1);
    await page.selectOption('select[aria-label="feature"]', "2");
    await page.focus("#text");
    await said(weight(1));
    await page.waitForFunction(() => location.hash.includes("feature=2"));
    const box = await page.locator(".heat-canvas").boundingBox();
    await page.mouse.click(box.x + 30, box.y + box.height - 12);
    await page.mouse.move(5, 5);
    await page.focus("#text");
    await said(weight(features - 1));
    assert.equal(await page.$eval('select[aria-label="feature"]', (select) => select.value), String(features));
    await page.selectOption('select[aria-label="feature"]', "");
    await page.focus("#text");
    await said(mean);
    assert.deepEqual(faults, []);
    await close();
  });
});

describe("gates and states", () => {
  test("colour the text when they are asked for: the mean over the units, or one unit", async () => {
    const bytes = new Uint8Array(readFileSync(`${ROOT}web/public/models/sms-spam.safetensors`));
    const model = (await loadEngine()).open(bytes, "sample");
    const session = model.newSession();
    session.setText("free");
    const site = model.card.states.find(({ id }) => id.endsWith("/update_gate"));
    const gate = session.signal(site.id);
    assert.deepEqual(gate.axes, ["unit", "step"]);
    const [units, steps] = gate.shape;
    const unit = (step, index) => gate.values[index * steps + step];
    const mean = (step) => Array.from({ length: units }, (_, index) => unit(step, index)).reduce((sum, value) => sum + value) / units;

    const { page, faults, close } = await openPage(browser, server.url, { reducedMotion: "reduce" });
    await typeText(page, "free");
    await page.selectOption('select[aria-label="what the colours show"]', site.id);
    await settled(page);
    const said = (value) => page.waitForFunction((number) => document.querySelector("#readout").textContent.includes(`gate ${number}`), value.toPrecision(3));
    await said(mean(steps - 1));
    await page.selectOption('select[aria-label="unit"]', "7");
    await said(unit(steps - 1, 6));
    assert.equal(await page.isVisible("#heat"), true);
    assert.deepEqual(faults, []);
    await close();
  });
});

const HEADS = `${ROOT}build/fixtures/keras-2.15/multi_head_self.safetensors`;

describe("several heads", { skip: !existsSync(HEADS) && "no build/fixtures: `npm test -- bindings` makes them" }, () => {
  test("the mean over them colours the text until one is chosen; each head has its own matrix", async () => {
    const bytes = new Uint8Array(readFileSync(HEADS));
    const signal = await signalOf(bytes);
    assert.deepEqual(signal.axes, ["head", "query", "step"]);
    const [heads, queries, steps] = signal.shape;
    assert.ok(heads > 1);
    const weight = (head, query, step) => signal.values[(head * queries + query) * steps + step];
    const mean = (query, step) => Array.from({ length: heads }, (_, head) => weight(head, query, step)).reduce((sum, value) => sum + value) / heads;

    const { page, faults, close } = await pageWith(bytes, { charset: "abcd", text: "abca" });
    const said = (value) => page.waitForFunction((number) => document.querySelector("#readout").textContent.includes(` ${number} `), value.toPrecision(3));
    assert.deepEqual(await shownPickers(page), ["what the colours show", "head", "query"]);
    await clickCharacter(page, 1);
    // The caret's character attends to itself: its own weight in its own row.
    await said(mean(queries - 3, steps - 3));
    await page.selectOption('select[aria-label="head"]', String(heads));
    await page.focus("#text");
    await said(weight(heads - 1, queries - 3, steps - 3));
    await clickCharacter(page, 3, 0.75);
    await said(weight(heads - 1, queries - 1, steps - 1));
    await page.waitForFunction((head) => location.hash.includes(`head=${head}`), heads);
    assert.deepEqual(faults, []);
    await close();
  });
});

const SHORTENED = ["convolution_attention", "convolution_attention_same", "convolution_attention_stacked"].map((name) => ({ name, path: `${ROOT}build/fixtures/keras-2.15/${name}.safetensors` }));

describe("attention behind convolutions and poolings", { skip: !SHORTENED.every(({ path }) => existsSync(path)) && "no build/fixtures: `npm test -- bindings` makes them" }, () => {
  for (const { name, path } of SHORTENED) {
    test(`${name}: each character has the mean of the steps that stand for it`, async () => {
      const bytes = new Uint8Array(readFileSync(path));
      const opened = (await loadEngine()).open(bytes, name);
      const charset = opened.card.text ? undefined : "abcd";
      const model = charset ? opened.withText(charsetEncoding(charset), "charset") : opened;
      const letters = charset ?? Object.keys(JSON.parse(parse(bytes).metadata.text).vocabulary).filter((token) => /^[a-z]$/.test(token)).join("");
      const text = letters.slice(0, 3) + letters.slice(0, 2);
      const [{ steps: map }] = model.card.attention;
      const result = model.newSession().setText(text);
      const [{ values }] = result.signals;
      assert.ok(values.length < result.ids.length || map.width > 1, "a sequence that was shortened, or seen through a window");
      // Written again from what engine.d.ts says of StepMap: the test must not share a mistake with the page.
      const weightAt = (timestep) => {
        const over = Array.from(values).filter((_, step) => {
          const first = map.offset + step * map.stride;
          return timestep >= first && timestep < first + map.width;
        });
        return over.length === 0 ? null : over.reduce((sum, value) => sum + value) / over.length;
      };
      const { page, faults, close } = await pageWith(bytes, { charset, text });
      await page.keyboard.press("Control+Home");
      for (let i = 0; i < 5; i++) {
        await page.keyboard.press("ArrowRight");
        const timestep = result.ids.length - 5 + i;
        await page.waitForFunction((step) => document.querySelector("#readout").textContent.includes(`step ${step} of`), timestep + 1);
        const [weight, said] = [weightAt(timestep), await readout(page)];
        if (weight === null) assert.match(said, /beyond the steps that have one/);
        else assert.ok(said.includes(`attention ${weight.toPrecision(3)} = `), `${said} has ${weight}`);
      }
      assert.deepEqual(faults, []);
      await close();
    });
  }
});
