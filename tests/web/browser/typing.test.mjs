/** Editing: what is typed is what is shown, at once, and the last key always wins. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { ROOT, cells, drop, inUse, openPage, prediction, settled, typeText } from "../support/browser.mjs";
import { browser, server, useSite } from "../support/site.mjs";

/** Reads as many timesteps as there are. */
const OPEN = `${ROOT}build/fixtures/keras-2.15/bare_classic.safetensors`;

useSite();

/** What a fresh page shows for a text: the reference for every way of getting there. */
async function fresh(text) {
  const { page, close } = await openPage(browser, `${server.url}#text=${encodeURIComponent(text)}`);
  const shown = { cells: await cells(page), prediction: await prediction(page), drawn: await mirrorText(page) };
  await close();
  return shown;
}

const mirrorText = (page) => page.$$eval("#mirror > span", (nodes) => nodes.map((node) => node.textContent).join(""));

async function shows(page, text) {
  await settled(page);
  assert.equal(await page.inputValue("#text"), text);
  const expected = await fresh(text);
  assert.equal(expected.drawn, text);
  // Which cell the caret is at is not compared.
  assert.deepEqual({ cells: await cells(page), prediction: await prediction(page), drawn: await mirrorText(page) }, expected);
}

describe("edits", () => {
  const START = "Call 0800 now and win a prize!";
  for (const [name, edit, result] of [
    ["at the front", async (page) => { await page.keyboard.press("Control+Home"); await page.keyboard.type("FREE "); }, `FREE ${START}`],
    ["in the middle", async (page) => { await page.keyboard.press("Control+Home"); for (let i = 0; i < 10; i++) await page.keyboard.press("ArrowRight"); await page.keyboard.type("tomorrow "); }, START.replace("now", "tomorrow now")],
    ["at the end", async (page) => { await page.keyboard.press("Control+End"); await page.keyboard.type(" ok x"); }, `${START} ok x`],
    ["deleting at the front", async (page) => { await page.keyboard.press("Control+Home"); for (let i = 0; i < 5; i++) await page.keyboard.press("Delete"); }, START.slice(5)],
    ["deleting at the end", async (page) => { await page.keyboard.press("Control+End"); for (let i = 0; i < 7; i++) await page.keyboard.press("Backspace"); }, START.slice(0, -7)],
    ["replacing a selection", async (page) => { await page.keyboard.press("Control+Home"); for (let i = 0; i < 4; i++) await page.keyboard.press("Shift+ArrowRight"); await page.keyboard.type("Txt"); }, START.replace("Call", "Txt")],
    ["a line break", async (page) => { await page.keyboard.press("Control+End"); await page.keyboard.press("Enter"); await page.keyboard.press("Enter"); }, `${START}\n\n`],
  ]) {
    test(`${name} end where a fresh page starts`, async () => {
      const { page, faults, close } = await openPage(browser, server.url);
      await typeText(page, START);
      await edit(page);
      await shows(page, result);
      assert.deepEqual(faults, []);
      await close();
    });
  }

  test("undo takes back what a bare textarea's undo takes back, not one character", async () => {
    const { page, close } = await openPage(browser, `${server.url}#text=`, { alone: true });
    const typed = async (selector) => {
      await page.focus(selector);
      assert.equal(await page.inputValue(selector), "");
      // With an answer of the engine between the keys, as when a person types.
      await page.keyboard.type("hello world abc", { delay: 60 });
      if (selector === "#text") await settled(page);
      await page.keyboard.press("Control+Z");
      return page.inputValue(selector);
    };
    const here = await typed("#text");
    await page.goto("about:blank");
    await page.setContent('<textarea id="bare"></textarea>');
    assert.equal(here, await typed("#bare"));
    assert.equal(here, "");
    await close();
  });

  test("undo takes back all that was typed beyond the model's input too", async () => {
    const start = "x".repeat(255);
    const { page, close } = await openPage(browser, `${server.url}#text=${start}`);
    await page.focus("#text");
    await page.keyboard.press("Control+End");
    await page.keyboard.type("hello", { delay: 60 });
    await settled(page);
    await page.keyboard.press("Control+Z");
    assert.equal(await page.inputValue("#text"), start);
    await close();
  });

  test("undo and redo are the browser's own, examples included", async () => {
    const { page, close } = await openPage(browser, server.url);
    const first = await page.inputValue("#text");
    await page.click(".chip:nth-child(2)");
    const second = await page.inputValue("#text");
    assert.notEqual(second, first);
    await page.focus("#text");
    await page.keyboard.press("Control+Z");
    assert.equal(await page.inputValue("#text"), first);
    await page.keyboard.press("Control+Shift+Z");
    await shows(page, second);
    await page.click("#clear-text");
    assert.equal(await page.inputValue("#text"), "");
    await page.keyboard.press("Control+Z");
    await shows(page, second);
    await close();
  });
});

test("50 keys in a second end with the result of the last", async () => {
  const { page, faults, close } = await openPage(browser, server.url);
  await typeText(page, "");
  const keys = "WINNER! Call 09061701461 now to claim 900 pounds, ok";
  assert.ok(keys.length >= 50);
  await page.keyboard.type(keys, { delay: 20 });
  await shows(page, keys);
  assert.deepEqual(faults, []);
  await close();
});

test("keys without any pause end with the result of the last", async () => {
  const { page, close } = await openPage(browser, server.url);
  await typeText(page, "");
  await page.evaluate(() => {
    const input = document.querySelector("#text");
    for (const key of "a prize of 1000 pounds is yours, call now") {
      input.setRangeText(key, input.value.length, input.value.length, "end");
      input.dispatchEvent(new InputEvent("input"));
    }
  });
  await shows(page, "a prize of 1000 pounds is yours, call now");
  await close();
});

describe("a pasted book", () => {
  test("10,000 characters: the model's last 250 are coloured, the rest is shown as cut off", async () => {
    const { page, faults, close } = await openPage(browser, server.url, { permissions: ["clipboard-write", "clipboard-read"] });
    const book = "All work and no play makes Jack a dull boy. ".repeat(230).slice(0, 10_000);
    await page.focus("#text");
    await page.keyboard.press("Control+A");
    await page.evaluate((text) => navigator.clipboard.writeText(text), book);
    await page.keyboard.press("Control+V");
    await settled(page);
    assert.equal(await mirrorText(page), book);
    const shown = await cells(page);
    assert.equal(shown.length, 250);
    assert.equal(shown.map(({ text }) => text).join(""), book.slice(-250));
    assert.equal(await page.$$eval("#mirror .run.cut", (runs) => runs.length), 1);
    assert.match(await page.textContent("#truth"), /9750 cut off at the start/);
    const { page: height, content, cut, mark } = await page.evaluate(() => {
      // The same element the mark hangs on, asked where its box is: a real child in the place of the pseudo-element.
      const run = document.querySelector("#mirror .run.cut");
      const style = getComputedStyle(run, "::after");
      const probe = document.createElement("i");
      probe.style.cssText = `position: absolute; height: ${style.height}; margin: ${style.margin}`;
      run.append(probe);
      const mark = probe.getBoundingClientRect();
      probe.remove();
      const cut = document.querySelector("#mirror .cell").getBoundingClientRect();
      return {
        page: document.documentElement.scrollHeight,
        content: Math.max(innerHeight, document.querySelector("main").getBoundingClientRect().bottom + scrollY),
        cut: { x: cut.left, y: (cut.top + cut.bottom) / 2 },
        mark: { x: mark.left, top: mark.top, bottom: mark.bottom },
      };
    });
    assert.ok(height <= content + 100, `the page is ${height} px tall, its content ends at ${content}`);
    assert.ok(Math.abs(mark.x - cut.x) <= 2 && mark.top < cut.y && mark.bottom > cut.y, JSON.stringify({ cut, mark }));
    // And one more key is one more key.
    await page.keyboard.type("!");
    await settled(page);
    assert.match(await page.textContent("#truth"), /9751 cut off at the start/);
    assert.equal((await cells(page)).at(-1).text, "!");
    assert.deepEqual(faults, []);
    await close();
  });

  /** 100,000 characters in paragraphs. */
  const LONG = `${"All work and no play makes Jack a dull boy. ".repeat(12)}\n\n`.repeat(190).slice(0, 100_000);
  const elements = (page) => page.evaluate(() => document.getElementsByTagName("*").length);

  test("100,000 characters: drawn with the engine's answer and not before, and the caret is in view", async () => {
    const { page, faults, close } = await openPage(browser, server.url, { permissions: ["clipboard-write", "clipboard-read"] });
    await typeText(page, "before");
    await page.keyboard.press("Control+A");
    await page.evaluate((text) => {
      document.addEventListener("input", () => (window.drawnAtInput = document.querySelector("#mirror").textContent), { once: true });
      return navigator.clipboard.writeText(text);
    }, LONG);
    await page.keyboard.press("Control+V");
    await settled(page);
    assert.equal(await page.evaluate(() => window.drawnAtInput), "before\u200b");
    assert.equal(await mirrorText(page), LONG);
    const { left, inside, room } = await page.evaluate(() => {
      const [paper, input] = [document.querySelector("#paper"), document.querySelector("#text")];
      return { left: paper.scrollHeight - paper.clientHeight - paper.scrollTop, inside: input.scrollTop, room: document.querySelector("#layers").style.minHeight };
    });
    assert.ok(left < 60 && inside === 0, `${left} px below what is in view, and the field itself scrolled by ${inside} px`);
    assert.equal(room, "");
    assert.match(await page.textContent("#readout"), /step 250 of 250/);
    assert.deepEqual(faults, []);
    await close();
  });

  test("whose answer is long in coming is drawn without it", async () => {
    const { page, close } = await openPage(browser, server.url, {
      before: (opened) => opened.addInitScript(() => {
        const post = Worker.prototype.postMessage;
        Worker.prototype.postMessage = function (message, ...rest) {
          if (message.job?.texts[0].length > 1000) setTimeout(() => post.call(this, message, ...rest), 2000);
          else post.call(this, message, ...rest);
        };
      }),
    });
    await page.focus("#text");
    await page.keyboard.press("Control+A");
    await page.keyboard.insertText("z".repeat(3000));
    await page.waitForFunction(() => document.querySelector("#mirror").textContent.startsWith("zzz"));
    assert.equal(await page.getAttribute("#sheet", "aria-busy"), "true");
    await settled(page);
    assert.equal((await cells(page)).length, 250);
    await close();
  });

  test("100,000 characters: no element for each, and a key in the middle touches one text node of those that are not read", async () => {
    const { page, faults, close } = await openPage(browser, server.url);
    await typeText(page, LONG);
    assert.equal(await mirrorText(page), LONG);
    assert.equal((await cells(page)).length, 250);
    assert.ok((await elements(page)) < 700, `${await elements(page)} elements`);
    await page.$eval("#text", (input) => input.setSelectionRange(50_000, 50_000));
    await page.evaluate(() => {
      window.touched = new Set();
      const note = (records) => records.forEach(({ target }) => { if (target.parentNode.closest(".run")) window.touched.add(target); });
      new MutationObserver(note).observe(document.querySelector("#mirror"), { characterData: true, subtree: true });
    });
    await page.keyboard.type("x");
    await settled(page);
    assert.deepEqual(await page.evaluate(() => [...window.touched].map(({ length }) => length < 5000)), [true]);
    assert.equal(await mirrorText(page), `${LONG.slice(0, 50_000)}x${LONG.slice(50_000)}`);
    assert.deepEqual(faults, []);
    await close();
  });

  test("of a model that reads all of it: what is in view is coloured, wherever one scrolls, and the rest is no elements", { skip: !existsSync(OPEN) && "no build/fixtures: `npm test -- bindings` makes them" }, async () => {
    const { page, faults, close } = await openPage(browser, server.url, { reducedMotion: "reduce" });
    await drop(page, [{ name: "open.safetensors", bytes: readFileSync(OPEN) }]);
    await inUse(page, "open.safetensors");
    const text = LONG.slice(0, 20_000);
    await typeText(page, text);
    /** Letters in the middle of lines in view that are no cell's. */
    const plain = () => page.evaluate(() => {
      const { left, top, bottom, width } = document.querySelector("#paper").getBoundingClientRect();
      const wrong = [];
      for (let y = Math.max(0, top) + 20; y < Math.min(innerHeight, bottom) - 20; y += 20) {
        const under = document.elementsFromPoint(left + width / 3, y).find((element) => element.closest("#mirror .run"));
        if (under) wrong.push(y);
      }
      return wrong;
    });
    for (const share of [1, 0, 0.5, 0.52, 1]) {
      await page.$eval("#paper", (paper, at) => { paper.scrollTop = at * (paper.scrollHeight - paper.clientHeight); }, share);
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      assert.deepEqual(await plain(), [], `scrolled to ${share}`);
      const drawn = (await cells(page)).length;
      assert.ok(drawn > 500 && drawn <= 5000, `${drawn} cells`);
      assert.equal(await mirrorText(page), text);
    }
    await page.$eval("#text", (input) => input.setSelectionRange(10_000, 10_000));
    await page.keyboard.type("abc");
    await settled(page);
    assert.equal(await mirrorText(page), `${text.slice(0, 10_000)}abc${text.slice(10_000)}`);
    // A short text is all cells again.
    await typeText(page, "abc abc");
    assert.equal((await cells(page)).length, 7);
    assert.deepEqual(faults, []);
    await close();
  });

  test("a text too long for a link stays out of it, and the page says so", async () => {
    const { page, close } = await openPage(browser, server.url, { permissions: ["clipboard-write", "clipboard-read"] });
    await page.focus("#text");
    await page.keyboard.press("Control+A");
    await page.keyboard.insertText("x".repeat(30_000));
    await settled(page);
    await page.click("#copy-link");
    await page.waitForSelector(".notice");
    assert.match(await page.textContent(".notice"), /does not carry the text/);
    assert.ok(!page.url().includes("text="));
    await close();
  });
});

describe("what one sees of a text", () => {
  const FAMILY = "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}\u200d\u{1f466}";
  for (const [name, text, parts] of [
    ["one cell for a family, a flag, an accented letter", `a${FAMILY}\u{1f1e9}\u{1f1ea}e\u0301b`, ["a", FAMILY, "\u{1f1e9}\u{1f1ea}", "e\u0301", "b"]],
    ["spaces, tabs and line breaks", " a\t \nb ", [" ", "a", "\t", " ", "\n", "b", " "]],
    ["markup is text", "<img src=x onerror=alert(1)>&lt;", [..."<img src=x onerror=alert(1)>&lt;"]],
    ["right-to-left text in its logical order", "\u05e9\u05dc ab \u0645\u0631", [..."\u05e9\u05dc ab \u0645\u0631"]],
    ["bidirectional controls", "a\u202eb\u202cc\u200bd\ufeffe", [..."a\u202eb\u202cc\u200bd\ufeffe"]],
  ]) {
    test(name, async () => {
      const { page, faults, close } = await openPage(browser, server.url);
      await typeText(page, text);
      assert.deepEqual((await cells(page)).map((cell) => cell.text), parts);
      assert.deepEqual(faults, []);
      await close();
    });
  }

  test("every character that is not seen is marked", async () => {
    const { page, close } = await openPage(browser, server.url);
    await typeText(page, "a b\tc\u202ed\n");
    const classes = Object.fromEntries((await cells(page)).map((cell) => [cell.text, cell.classes]));
    assert.ok(classes[" "].includes("space"));
    assert.ok(classes["\t"].includes("tab"));
    assert.ok(classes["\u202e"].includes("invisible"));
    assert.ok(classes["\n"].includes("newline"));
    const signs = await page.$$eval("#mirror .tab, #mirror .newline", (nodes) => nodes.map((node) => getComputedStyle(node, "::before").content));
    assert.deepEqual(signs, ['"\u2192"', '"\u21b5"']);
    await close();
  });
});

describe("the exact numbers", () => {
  test("by keyboard: the readout follows the caret and never changes its height", async () => {
    const { page, close } = await openPage(browser, server.url);
    await typeText(page, "win 900 now");
    const heights = new Set();
    const said = [];
    await page.keyboard.press("Control+Home");
    for (let i = 0; i < 11; i++) {
      await page.keyboard.press("ArrowRight");
      await page.waitForFunction((step) => document.querySelector("#readout").textContent.includes(`step ${step} of`), 240 + i);
      said.push(await page.textContent("#readout"));
      heights.add(await page.$eval("#readout", (node) => node.offsetHeight));
    }
    assert.match(said[0], /^\u201cw\u201did \d+ · step 240 of 250attention [\d.e-]+ = [\d.]+ × uniform · rank \d+ of 11$/);
    assert.match(said[3], /^space/);
    assert.match(said[10], /step 250 of 250/);
    assert.equal(heights.size, 1);
    await page.keyboard.press("Control+A");
    await page.waitForFunction(() => /^11 selected.*of all attention$/.test(document.querySelector("#readout").textContent));
    await close();
  });

  test("by pointer: the tooltip says the same, and stays on the page", async () => {
    const { page, close } = await openPage(browser, server.url, { viewport: { width: 360, height: 800 } });
    await typeText(page, "win 900 now");
    const box = await page.locator("#mirror .cell").nth(0).boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height - 10);
    await page.waitForSelector("#tooltip:not([hidden])");
    assert.match(await page.textContent("#tooltip"), /^\u201cw\u201did \d+ · step 240 of 250attention .* × uniform · rank \d+ of 11$/);
    const tooltip = await page.locator("#tooltip").boundingBox();
    assert.ok(tooltip.x >= 0 && tooltip.x + tooltip.width <= 360);
    await page.mouse.move(5, 5);
    await page.waitForSelector("#tooltip", { state: "hidden" });
    await close();
  });

  test("how long keys take: the page tells its own figure, and a click copies it with what belongs to it", async () => {
    const { page, faults, close } = await openPage(browser, server.url, { permissions: ["clipboard-read", "clipboard-write"] });
    await typeText(page, "win 900 now");
    assert.equal(await page.isVisible(".speed"), false, "no key was pressed: what is pasted is not timed");
    await page.keyboard.type("abc");
    await page.waitForSelector(".speed");
    assert.match(await page.textContent(".speed"), /^key to paint [\d.]+ ms; engine [\d.]+ ms$/);
    assert.match(await page.getAttribute(".speed", "title"), /key.s own time stamp to the end of the frame.*median of the last 50 keys/);
    const box = () => page.locator(".truth").boundingBox();
    const before = await box();
    await page.click(".speed");
    await page.waitForFunction(() => document.querySelector("#said").textContent === "copied");
    assert.deepEqual(await box(), before);
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    for (const part of [/key to paint: p50 [\d.]+ ms, p95 [\d.]+ ms; engine: p50 [\d.]+ ms, p95 [\d.]+ ms/, /the last \d keys?, in a text of 1[234]/, /model: SMS spam.*\(sms-spam\.safetensors\)/, /browser: .*Chrome/]) assert.match(copied, part);
    assert.deepEqual(faults, []);
    await close();
  });

  test("by ear: prediction and where most attention is, once typing has paused", async () => {
    const { page, close } = await openPage(browser, server.url);
    await typeText(page, "win 900 now");
    await page.waitForFunction(() => /^(ham|spam), .*Most attention: .*/.test(document.querySelector("#summary").textContent));
    assert.equal(await page.getAttribute("#summary", "aria-live"), "polite");
    await close();
  });
});
