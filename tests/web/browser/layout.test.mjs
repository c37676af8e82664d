/** How the page sits: the two layers of the editor agree to the pixel, nothing jumps, nothing overflows, axe is content. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import { drop, openPage, sampleBytes, settled, typeText } from "../support/browser.mjs";
import { withMetadata } from "../support/bundle.mjs";
import { browser, server, useSite } from "../support/site.mjs";

/**
 * In the page: the cells at whose place the textarea has another character. Asked of the browser itself: which offset a
 * click there would put the caret at must be the start or the end of the cell.
 */
function misplaced() {
  const input = document.querySelector("#text");
  const wrong = [];
  let start = 0;
  for (const node of document.querySelectorAll("#mirror > span")) {
    const end = start + node.textContent.length;
    const [box] = node.getClientRects();
    if (node.classList.contains("cell") && box && box.width > 1) {
      node.scrollIntoView({ block: "center" });
      const { left, top, width, height } = node.getClientRects()[0];
      const carets = [0.25, 0.75].map((share) => document.caretPositionFromPoint(left + share * width, top + height / 2));
      // Where the direction changes, one half of a letter belongs to the other run's end: the other half must do.
      if (!carets.some((caret) => caret?.offsetNode === input && caret.offset >= start && caret.offset <= end)) {
        wrong.push({ text: node.textContent, start, carets: carets.map((caret) => caret?.offset) });
      }
    }
    start = end;
  }
  return wrong.slice(0, 5);
}

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

useSite();

describe("the letters of the textarea and of the mirror", () => {
  const FAMILY = "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}\u200d\u{1f466}";
  const TEXTS = {
    "a message": "WINNER! As a valued customer you have been selected to receive a 900 pound prize. Call 09061701461 before 5pm.",
    "long words": `${"a".repeat(300)} ${"https://example.com/".repeat(12)} b`,
    "spaces and tabs": `a ${" ".repeat(150)}b\t\tc${"\t".repeat(30)}d   `,
    "line breaks": "one\n\n\ntwo\n three \n\n",
    "more than the model reads": "All work and no play makes Jack a dull boy; ".repeat(20),
    "a book of paragraphs": `${"Now is the time. ".repeat(40)}\n\n\n${"All good men\n".repeat(30)}`.repeat(8),
    "5,000 characters": "Now is the time for all good men to come to the aid of the party. ".repeat(76),
  };
  /** Fonts the page does not bring: where a letter is may differ by the 1/64 pixel that elements are rounded to. */
  const SCRIPTS = {
    "right to left": "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd, this is 12 \u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645 end. ".repeat(5),
    "right to left by lines": "\u05e9\u05dc\u05d5\u05dd one\nleft two\n\u0645\u0631\u062d\u0628\u0627 3",
    "emoji and marks": `${FAMILY} \u{1f1e9}\u{1f1ea} e\u0301 Z\u0301\u0302\u0303 \u{1f44d}\u{1f3fd} `.repeat(8),
    "bidirectional controls": "abc \u202edef\u202c ghi \u2067jkl\u2069 m\u200bn\u00adop\ufeffq",
    "scripts": "\u4f60\u597d\u4e16\u754c\u3002 \ud55c\uad6d\uc5b4 \u0928\u092e\u0938\u094d\u0924\u0947 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 \u03b5\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac ".repeat(4),
  };
  const WIDTHS = [360, 700, 1120, 1800, 2560];

  for (const width of WIDTHS) {
    test(`stand on the same pixels at a width of ${width}`, async () => {
      // Both layers in plain black on white, one at a time: whatever moves a letter shows.
      const { page, close } = await openPage(browser, server.url, { viewport: { width, height: 900 }, reducedMotion: "reduce" });
      await page.evaluate(() => {
        const plain = new CSSStyleSheet();
        plain.replaceSync(`
          .paper { max-height: none !important; }
          .input { caret-color: transparent !important; }
          .mirror *, .mirror *::before, .mirror *::after { background: none !important; box-shadow: none !important; text-decoration: none !important; color: black !important; border-color: transparent !important; outline: 0 !important; }
          .mirror *::before, .mirror *::after { color: transparent !important; }
          [data-only="input"] .mirror { visibility: hidden; }
          [data-only="input"] .input { color: black !important; }
          [data-only="mirror"] .input { visibility: hidden; }`);
        document.adoptedStyleSheets = [...document.adoptedStyleSheets, plain];
      });
      for (const [name, text] of Object.entries(TEXTS)) {
        await typeText(page, text);
        const [height, scroll] = await page.$eval("#text", (input) => [input.clientHeight, input.scrollHeight]);
        assert.ok(scroll <= height, `${name}: the textarea needs ${scroll} px and has ${height}`);
        const shots = [];
        for (const layer of ["input", "mirror"]) {
          await page.evaluate((only) => { document.documentElement.dataset.only = only; }, layer);
          shots.push(await page.locator(".layers").screenshot({ caret: "hide" }));
        }
        await page.evaluate(() => delete document.documentElement.dataset.only);
        assert.ok(shots[0].length > 1500, `${name}: nothing was drawn`);
        assert.ok(shots[0].equals(shots[1]), `${name}: the two layers differ`);
      }
      await close();
    });

    test(`have the caret where the letter is at a width of ${width}, in every script`, async () => {
      const { page, close } = await openPage(browser, server.url, { viewport: { width, height: 900 } });
      for (const [name, text] of Object.entries({ ...TEXTS, ...SCRIPTS })) {
        await typeText(page, text);
        assert.deepEqual(await page.evaluate(misplaced), [], name);
      }
      await close();
    });
  }
});

test("each paragraph runs as its first letter does, in both layers, and a text from left to right needs not be asked for it", async () => {
  const { page, close } = await openPage(browser, server.url);
  /** Whether each layer is laid out by paragraphs, and distances of the second paragraph's first letter from both sides of its layer. */
  const look = () => page.evaluate(() => {
    const [input, mirror] = [document.querySelector("#text"), document.querySelector("#mirror")];
    const style = getComputedStyle(mirror);
    const { left, right } = mirror.getBoundingClientRect();
    const box = [...mirror.querySelectorAll(":scope > .cell")].find((node, at, all) => all[at - 1]?.textContent === "\n").getBoundingClientRect();
    return {
      layers: [input, mirror].map((layer) => getComputedStyle(layer).unicodeBidi),
      left: Math.round(box.left - left - parseFloat(style.paddingLeft)), right: Math.round(right - parseFloat(style.paddingRight) - box.right),
    };
  });
  for (const [text, runs] of [["one\ntwo \u00e9\u{1f600}", "right"], ["one\n\u05e9\u05dc\u05d5\u05dd", "left"], ["one\ntwo", "right"], ["one\n\u2067two\u2069", "isolated"]]) {
    await typeText(page, text);
    const { layers, left, right } = await look();
    const way = runs === "right" ? "isolate" : "plaintext";
    assert.deepEqual(layers, [way, way], text);
    if (runs !== "isolated") assert.ok(Math.abs(runs === "right" ? left : right) <= 1, `${text}: ${left} px from the left, ${right} px from the right`);
  }
  await close();
});

test("nothing shifts while a message is typed", async () => {
  for (const viewport of [{ width: 1120, height: 800 }, { width: 360, height: 800 }]) {
    const { page, close } = await openPage(browser, server.url, { viewport });
    await typeText(page, "");
    await page.evaluate(() => {
      // Letters move within their line when one is put in front of them, the words of a sentence when its number grows
      // a digit, and bars and marks move because that is what they are for. Nothing else may move at all.
      const mayMove = (node) => node.parentElement.closest("#mirror, #truth li, .balance, .legend-bar, .legend-labels, .prediction-head");
      window.shifts = [];
      new PerformanceObserver((list) => {
        for (const { sources } of list.getEntries()) {
          for (const { node } of sources) {
            if (node && !mayMove(node)) window.shifts.push(node.id || node.className || node.textContent);
          }
        }
      }).observe({ type: "layout-shift", buffered: false });
    });
    await page.keyboard.type("Free entry! call 0906 now to win 900 pounds. \u00e7 ok?", { delay: 15 });
    await settled(page);
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    assert.deepEqual(await page.evaluate(() => window.shifts), [], `at a width of ${viewport.width}`);
    await close();
  }
});

test("a key touches the cells it changed and no others", async () => {
  const { page, close } = await openPage(browser, server.url);
  await typeText(page, "win 900 now or never");
  await page.evaluate(() => {
    window.added = 0;
    window.removed = 0;
    new MutationObserver((records) => {
      for (const { addedNodes, removedNodes } of records) {
        window.added += addedNodes.length;
        window.removed += removedNodes.length;
      }
    }).observe(document.querySelector("#mirror"), { childList: true });
  });
  await page.keyboard.press("Control+Home");
  for (let i = 0; i < 4; i++) await page.keyboard.press("ArrowRight");
  await page.keyboard.type("x");
  await settled(page);
  const touched = await page.evaluate(() => [window.added, window.removed]);
  assert.ok(touched[0] >= 1 && touched[0] <= 3 && touched[1] <= 2, `added and removed ${touched}`);
  await close();
});

describe("widths", () => {
  for (const width of [320, 360, 480, 768, 1120, 1920, 2560]) {
    test(`${width} px: no horizontal scroll, with a notice and the model card open too`, async () => {
      const { page, close } = await openPage(browser, server.url, { viewport: { width, height: 800 } });
      const wide = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      await typeText(page, `${"w".repeat(400)} \u00e7 900`);
      assert.equal(await wide(), 0);
      for (const [end, words, bytes] of [["h5", "HDF5", new Uint8Array([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a])], ["safetensors", "HTML|web page", Buffer.from("<html>")]]) {
        await drop(page, [{ name: `${"long".repeat(30)}.${end}`, bytes }]);
        await page.waitForFunction((wanted) => new RegExp(wanted, "i").test(document.querySelector(".notice.alert .problem")?.textContent), words);
        assert.equal(await wide(), 0);
      }
      await page.click("#model-button");
      assert.equal(await wide(), 0);
      const dialog = await page.locator("#model-dialog").boundingBox();
      assert.ok(dialog.x >= 0 && dialog.x + dialog.width <= width);
      await close();
    });
  }

  test("at first sight text, prediction and the place to drop a file are in view", async () => {
    const { page, close } = await openPage(browser, server.url, { viewport: { width: 1280, height: 800 } });
    for (const selector of ["#text", ".prediction-head", "#drop", ".prompt"]) {
      const { y, height } = await page.locator(selector).boundingBox();
      assert.ok(y >= 0 && y + height <= 800, `${selector} ends at ${y + height}`);
    }
    assert.ok(await page.$eval("#text", (input) => document.activeElement === input));
    await close();
  });
});

describe("motion", () => {
  for (const [reducedMotion, seconds] of [["no-preference", "0.12s"], ["reduce", "0s"]]) {
    test(`${reducedMotion}: the glow fades in ${seconds}`, async () => {
      const { page, close } = await openPage(browser, server.url, { reducedMotion });
      const durations = await page.$eval("#mirror .cell", (cell) => getComputedStyle(cell).transitionDuration);
      assert.deepEqual([...new Set(durations.split(", "))], [seconds]);
      await close();
    });
  }
});

describe("axe finds nothing serious", () => {
  const states = {
    "at first sight": async () => {},
    "with unknown and cut-off text": (page) => typeText(page, `${"lorem ipsum ".repeat(25)}\u00e7\u5b57\t\n`),
    "with an error": async (page) => {
      await drop(page, [{ name: "bad.safetensors", bytes: Buffer.from("<html>") }]);
      await page.waitForSelector(".notice");
    },
    "with the model card": (page) => page.click("#model-button"),
    "with the vocabulary dialog": async (page) => {
      await drop(page, [{ name: "bare.safetensors", bytes: withMetadata(sampleBytes(), { text: undefined, parity: undefined }) }]);
      await page.waitForSelector("#vocabulary-dialog[open]");
    },
  };
  for (const colorScheme of ["light", "dark"]) {
    for (const [name, reach] of Object.entries(states)) {
      test(`${name}, ${colorScheme}`, async () => {
        // axe puts itself into the page as a script, which the page's policy forbids.
        const { page, close } = await openPage(browser, server.url, { colorScheme, bypassCSP: true });
        await reach(page);
        await page.evaluate(AXE);
        const { violations, passes } = await page.evaluate(() => window.axe.run());
        const bad = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
        assert.deepEqual(bad.map(({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`)]), []);
        assert.ok(passes.length > 15);
        await close();
      });
    }
  }
});

test("forced colours: letters are the system's, and the bars still say what the glow cannot", async () => {
  const { page, close } = await openPage(browser, server.url, { forcedColors: "active" });
  const { glow, bars } = await page.$$eval("#mirror .cell", (nodes) => ({
    glow: [...new Set(nodes.map((node) => getComputedStyle(node).backgroundColor))],
    bars: new Set(nodes.map((node) => getComputedStyle(node).backgroundSize)).size,
  }));
  assert.deepEqual(glow, ["rgba(0, 0, 0, 0)"]);
  assert.ok(bars > 5);
  await close();
});

test("everything can be done by keyboard, in an order that makes sense", async () => {
  const { page, close } = await openPage(browser, server.url);
  await page.focus("#gallery-button");
  const order = ["gallery-button"];
  for (let i = 0; i < 20; i++) {
    await page.keyboard.press("Tab");
    const name = await page.evaluate(() => {
      const { activeElement: element } = document;
      const { outlineStyle } = getComputedStyle(element);
      return `${element.id || element.getAttribute("aria-label") || element.textContent}${outlineStyle === "none" && element.id !== "text" ? " (no focus ring)" : ""}`;
    });
    if (order.includes(name) || name.length > 200) break;
    order.push(name);
  }
  assert.deepEqual(order.slice(0, 6), ["gallery-button", "model-button", "copy-link", "theme-button", "clear-text", "text"]);
  assert.deepEqual(order.slice(-3), ["scale", "palette", "pick-file"]);
  assert.ok(!order.some((name) => name.includes("no focus ring")), order.join(", "));
  await page.focus("#model-button");
  await page.keyboard.press("Enter");
  assert.ok(await page.isVisible("#model-dialog"));
  await page.keyboard.press("Escape");
  assert.ok(await page.$eval("#model-button", (element) => document.activeElement === element));
  await close();
});
