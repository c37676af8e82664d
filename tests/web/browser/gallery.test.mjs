/** Choosing among the sample models: by mouse, keyboard and link; what comes along with a model, and what does not. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import { cells, drop, openPage, prediction, ROOT, sampleBytes, settled, typeText } from "../support/browser.mjs";
import { withMetadata } from "../support/bundle.mjs";
import { LIST, MODELS, offerGallery, TITLES } from "../support/gallery.mjs";
import { browser, server, useSite } from "../support/site.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const FIRST = LIST[0].id;
const FIRST_TEXT = /^WINNER!/;

useSite();

/** A page whose gallery is the tests'. `asked` are the names of what it fetched of it. */
async function openGallery({ fragment = "", list, answer, before, ...options } = {}) {
  let asked = [];
  const opened = await openPage(browser, server.url + fragment, {
    ...options,
    before: async (own) => {
      asked = await offerGallery(own, { list, answer });
      await before?.(own);
    },
  });
  return { ...opened, asked };
}

const titled = (page, title) => page.waitForFunction((wanted) => document.querySelector("#model-title").textContent === wanted, title);
const hash = (page) => page.evaluate(() => location.hash);
const hashIs = (page, wanted) => page.waitForFunction((fragment) => location.hash === fragment, wanted);
const focused = (page) => page.evaluate(() => document.activeElement.querySelector(".gallery-title")?.textContent ?? document.activeElement.id);
const text = (page) => page.inputValue("#text");
const chips = (page) => page.$$eval(".chip", (nodes) => nodes.map((node) => node.textContent));

async function openMenu(page) {
  await page.click("#gallery-button");
  await page.waitForSelector("#gallery", { state: "visible" });
}

/** The titles in the menu, the one in use in brackets. */
const entries = (page) => page.$$eval("#gallery-menu [data-key]", (items) =>
  items.map((item) => {
    const title = item.querySelector(".gallery-title").textContent;
    return item.getAttribute("aria-checked") === "true" ? `[${title}]` : title;
  }));

/** Chooses a model by its title, and waits until it is in use. */
async function choose(page, title) {
  await openMenu(page);
  await page.click(`#gallery-menu [data-key]:has-text("${title}")`);
  await titled(page, title);
  await settled(page);
}

/** Lets the models' files come bit by bit: `window.files[name]` can send, end or fail; it is stopped where nobody waits any more. For `before`. */
const slowModels = (...names) => (page) => page.addInitScript((slow) => {
  const native = window.fetch;
  window.files = {};
  window.fetch = async (url, options) => {
    const name = String(url).replace(/^.*\//, "");
    if (!slow.includes(name)) return native(url, options);
    const bytes = new Uint8Array(await (await native(url)).arrayBuffer());
    const file = (window.files[name] = { stopped: false });
    return new Response(new ReadableStream({
      start: (controller) => {
        file.send = (share) => controller.enqueue(bytes.slice(file.sent ?? 0, (file.sent = Math.round(share * bytes.length))));
        file.end = () => { file.send(1); controller.close(); };
      },
      cancel: () => { file.stopped = true; },
    }));
  };
}, names);

/** Waits until a slow file is asked for, and has the page do something with it. */
async function file(page, name, what, ...args) {
  await page.waitForFunction((wanted) => window.files[wanted]?.end, name);
  await page.evaluate(({ name, what, args }) => window.files[name][what](...args), { name, what, args });
}

const working = (page) => page.waitForSelector(".notice.working");

describe("choosing a model", () => {
  test("by mouse: it is in use, with its own examples, and marked; nothing else was fetched", async () => {
    const { page, faults, asked, close } = await openGallery();
    assert.match(await text(page), FIRST_TEXT);
    // The first colours wait for no list.
    assert.deepEqual(asked, ["sms-spam.safetensors"]);
    await openMenu(page);
    assert.deepEqual(await entries(page), [`[${TITLES[FIRST]}]`, TITLES.pairs, TITLES.twin, TITLES.mute, "Open your own\u2026"]);
    await page.click('#gallery-menu [data-key]:has-text("Pairs of letters")');
    await titled(page, TITLES.pairs);
    await settled(page);
    assert.equal(await text(page), "a bad cafe");
    assert.deepEqual(await chips(page), ["Cafe", "Beef"]);
    assert.match(await prediction(page), /^(one|two|three) 0\.\d{3}$/);
    assert.equal(await page.textContent("#example-note"), "Each looks at its like.");
    assert.equal(await page.isVisible("#gallery"), false);
    assert.equal(await focused(page), "gallery-button");
    await hashIs(page, "#sample=pairs");
    await openMenu(page);
    assert.deepEqual((await entries(page)).slice(0, 2), [TITLES[FIRST], `[${TITLES.pairs}]`]);
    assert.deepEqual(asked, ["sms-spam.safetensors", "gallery.json", "pairs.safetensors"]);
    // Back to the first, which is in memory; its link has no need to name it.
    await page.click(`#gallery-menu [data-key]:has-text("${TITLES[FIRST]}")`);
    await titled(page, TITLES[FIRST]);
    await settled(page);
    assert.match(await text(page), FIRST_TEXT);
    await hashIs(page, "");
    assert.equal(asked.length, 3);
    assert.deepEqual(faults, []);
    await close();
  });

  test("by keyboard: arrows, Home and End, the letters of a title, Escape, Enter, Space, Tab", async () => {
    const { page, close } = await openGallery();
    const press = async (...keys) => {
      for (const key of keys) await page.keyboard.press(key);
      return focused(page);
    };
    const opened = () => page.waitForSelector("#gallery", { state: "visible" });
    await page.focus("#gallery-button");
    await press("Enter");
    await opened();
    assert.equal(await page.getAttribute("#gallery-button", "aria-expanded"), "true");
    assert.equal(await focused(page), TITLES[FIRST]);
    assert.equal(await press("ArrowUp"), "Open your own\u2026");
    assert.equal(await press("ArrowDown"), TITLES[FIRST]);
    assert.equal(await press("End"), "Open your own\u2026");
    assert.equal(await press("Home", "ArrowDown", "ArrowDown"), TITLES.twin);
    assert.equal(await press("m"), TITLES.mute);
    assert.equal(await press("Escape"), "gallery-button");
    assert.equal(await page.getAttribute("#gallery-button", "aria-expanded"), "false");
    assert.equal(await page.isVisible("#gallery"), false);
    assert.equal(await page.textContent("#model-title"), TITLES[FIRST]);
    await press("ArrowDown");
    await opened();
    await press("p", "Enter");
    await titled(page, TITLES.pairs);
    assert.equal(await focused(page), "gallery-button");
    await press("ArrowDown");
    await opened();
    assert.equal(await focused(page), TITLES.pairs);
    assert.equal(await press("Tab"), "model-button");
    assert.equal(await page.isVisible("#gallery"), false);
    await page.focus("#gallery-button");
    await press("ArrowUp");
    await opened();
    assert.equal(await focused(page), "Open your own\u2026");
    await press("t", "Space");
    await titled(page, TITLES.twin);
    await close();
  });

  test("a press elsewhere closes the menu; the last entry opens a file", async () => {
    const { page, close } = await openGallery();
    await openMenu(page);
    await page.click("#truth", { position: { x: 10, y: 10 } });
    assert.equal(await page.isVisible("#gallery"), false);
    await openMenu(page);
    await page.click("#text", { position: { x: 900, y: 20 } });
    assert.equal(await page.isVisible("#gallery"), false);
    assert.equal(await focused(page), "text");
    await openMenu(page);
    await page.click("#gallery-button");
    assert.equal(await page.isVisible("#gallery"), false);
    await openMenu(page);
    const choosing = page.waitForEvent("filechooser");
    await page.click('#gallery-menu [data-key]:has-text("Open your own")');
    await (await choosing).setFiles({ name: "p.safetensors", mimeType: "", buffer: Buffer.from(withMetadata(sampleBytes(), { title: "Picked" })) });
    await titled(page, "Picked");
    await close();
  });

  test("what is told to those who do not see it", async () => {
    const { page, close } = await openGallery();
    await openMenu(page);
    const shape = await page.locator("#model").ariaSnapshot();
    assert.match(shape, /group "Model":/);
    assert.match(shape, new RegExp(`- button "${TITLES[FIRST]}" \\[expanded\\]`));
    assert.match(shape, /- 'button "Model card: GRU 250 \u00b7 Keras 2\.15\.0"'/);
    assert.match(shape, /- menu "Models":/);
    assert.match(shape, new RegExp(`- menuitemradio "${TITLES[FIRST]}" \\[checked\\]`));
    assert.match(shape, /- menuitemradio "Pairs of letters"(?! \[checked\])/);
    assert.match(shape, /- menuitem "Open your own\u2026"/);
    const described = await page.$eval('#gallery-menu [data-key="sample:pairs"]', (item) => item.getAttribute("aria-describedby").split(" ").map((id) => document.getElementById(id).textContent));
    assert.deepEqual(described, [LIST[1].summary, "characters, self-attention \u00b7 3.0\u00a0kB"]);
    await close();
  });
});

describe("a model on its way", () => {
  test("is told of, with its share, and can be stopped: the one before stays", async () => {
    const { page, faults, close } = await openGallery({ before: slowModels("twin.safetensors") });
    await typeText(page, "win 900 now");
    const before = await cells(page);
    await openMenu(page);
    await page.click(`#gallery-menu [data-key]:has-text("${TITLES.twin}")`);
    await file(page, "twin.safetensors", "send", 0.4);
    assert.match(await (await working(page)).textContent(), /^Getting .Twin of the first./);
    // No Content-Length came with it: the list says how large it is.
    await page.waitForFunction(() => document.querySelector(".working .progress-share").textContent === "40\u00a0%");
    assert.equal(await page.$eval(".working progress", ({ value }) => value.toFixed(2)), "0.40");
    await page.click('.working button:text-is("Stop")');
    await page.waitForFunction(() => window.files["twin.safetensors"].stopped);
    assert.equal(await page.$(".notice"), null);
    assert.equal(await page.textContent("#model-title"), TITLES[FIRST]);
    assert.deepEqual(await cells(page), before);
    await hashIs(page, "#text=win%20900%20now");
    assert.deepEqual(faults, []);
    await close();
  });

  test("gives way to one that is chosen after it, to the one in use, and to a file; and a file that is being read to it", async () => {
    const { page, faults, close } = await openGallery({ before: slowModels("pairs.safetensors") });
    const start = async () => {
      await page.evaluate(() => delete window.files["pairs.safetensors"]);
      await openMenu(page);
      await page.click(`#gallery-menu [data-key]:has-text("${TITLES.pairs}")`);
      await file(page, "pairs.safetensors", "send", 0.5);
      await working(page);
    };
    const stopped = () => page.waitForFunction(() => window.files["pairs.safetensors"].stopped && !document.querySelector(".working"));
    await start();
    await choose(page, TITLES.twin);
    await stopped();
    await start();
    await choose(page, TITLES.twin);
    await stopped();
    await start();
    await drop(page, [{ name: "mine.safetensors", bytes: withMetadata(sampleBytes(), { title: "Mine" }) }]);
    await titled(page, "Mine");
    await stopped();
    // A file whose end never comes.
    await page.evaluate(() => {
      const file = new File([new Uint8Array(100)], "slow.safetensors");
      file.stream = () => new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(50)), cancel: () => { window.unread = true; } });
      const event = new DragEvent("drop", { bubbles: true, cancelable: true });
      Object.defineProperty(event, "dataTransfer", { value: { types: ["Files"], items: [], files: [file] } });
      document.body.dispatchEvent(event);
    });
    await working(page);
    await choose(page, TITLES.mute);
    assert.ok(await page.evaluate(() => window.unread));
    assert.equal(await page.$(".notice"), null);
    assert.deepEqual(faults, []);
    await close();
  });

  test("is awaited by a vocabulary that is dropped meanwhile", async () => {
    const { page, close } = await openGallery({ before: slowModels("twin.safetensors") });
    await openMenu(page);
    await page.click(`#gallery-menu [data-key]:has-text("${TITLES.twin}")`);
    await file(page, "twin.safetensors", "send", 0.5);
    await drop(page, [{ name: "tokenizer.json", bytes: readFileSync(`${ROOT}web/models/sms-spam/tokenizer.json`) }]);
    await file(page, "twin.safetensors", "end");
    await page.waitForSelector('.notice:has-text("Vocabulary tokenizer.json in use")');
    assert.equal(await page.textContent("#model-title"), TITLES.twin);
    await close();
  });

  test("and that cannot be had: the page says so, and the one before stays in use", async () => {
    const { page, close } = await openGallery({
      answer: { "pairs.safetensors": (route) => route.fulfill({ status: 503 }), "twin.safetensors": (route) => route.fulfill({ body: "<html>" }) },
    });
    const shown = await cells(page);
    for (const [title, words] of [
      [TITLES.pairs, /Pairs of letters. could not be fetched.*pairs\.safetensors: expected the file, found 503.*SMS spam.* stays in use/],
      [TITLES.twin, /twin\.safetensors. could not be opened.*expected .* found .*SMS spam.* stays in use/],
    ]) {
      await openMenu(page);
      await page.click(`#gallery-menu [data-key]:has-text("${title}")`);
      await page.waitForFunction((source) => new RegExp(source, "s").test(document.querySelector(".notice.alert")?.textContent), words.source);
      assert.equal(await page.$$eval(".notice", (notices) => notices.length), 1);
      assert.equal(await page.textContent("#model-title"), TITLES[FIRST]);
      assert.equal(await text(page), await page.inputValue("#text"));
      assert.deepEqual(await cells(page), shown);
    }
    await openMenu(page);
    assert.equal((await entries(page))[0], `[${TITLES[FIRST]}]`);
    await page.keyboard.press("Escape");
    await typeText(page, "win 900 now");
    assert.match(await prediction(page), /ham|spam/);
    await hashIs(page, "#text=win%20900%20now");
    // What went wrong is said no more when another is in use.
    await choose(page, TITLES.mute);
    assert.equal(await page.$(".notice"), null);
    await close();
  });
});

describe("the list", () => {
  for (const [name, list, words] of [
    ["missing", null, /list of sample models could not be had\. .*gallery\.json: expected the file, found 404/],
    ["broken", "[{", /could not be had\. models\/gallery\.json: expected JSON, found /],
    ["without what it should say", [{ id: FIRST, title: "One" }], /models\/gallery\.json\[0\]\.summary: expected a text, found nothing/],
  ]) {
    test(`${name}: the page opens as ever, the menu says so, and has the way back to the first`, async () => {
      const answer = list === null ? { "gallery.json": (route) => route.fulfill({ status: 404 }) } : {};
      const { page, asked, close } = await openGallery({ list, answer });
      assert.match(await text(page), FIRST_TEXT);
      await drop(page, [{ name: "mine.safetensors", bytes: withMetadata(sampleBytes(), { title: "Mine" }) }]);
      await titled(page, "Mine");
      await openMenu(page);
      assert.match(await page.textContent("#gallery-note"), words);
      assert.deepEqual(await entries(page), [TITLES[FIRST], "[Mine]", "Open your own\u2026"]);
      assert.equal(await page.$(".notice"), null);
      await page.click(`#gallery-menu [data-key]:has-text("${TITLES[FIRST]}")`);
      await titled(page, TITLES[FIRST]);
      await settled(page);
      assert.match(await prediction(page), /spam/);
      // Asked for again when the menu is opened again, and not before.
      const times = () => asked.filter((one) => one === "gallery.json").length;
      const before = times();
      await page.unroute("**/models/*");
      await offerGallery(page);
      await openMenu(page);
      await page.waitForFunction((count) => document.querySelectorAll("#gallery-menu [data-key]").length === count, LIST.length + 2);
      assert.equal(await page.isVisible("#gallery-note"), false);
      assert.equal(times(), before);
      await close();
    });
  }

  test("that comes late: the menu opens meanwhile, and the focus stays where it is", async () => {
    let release;
    const { page, close } = await openGallery({ answer: { "gallery.json": (route) => new Promise((resolve) => { release = () => resolve(route.fulfill({ body: JSON.stringify(LIST) })); }) } });
    await openMenu(page);
    assert.match(await page.textContent("#gallery-note"), /Getting the list/);
    assert.deepEqual(await entries(page), [`[${TITLES[FIRST]}]`, "Open your own\u2026"]);
    await page.keyboard.press("End");
    release();
    await page.waitForFunction((count) => document.querySelectorAll("#gallery-menu [data-key]").length === count, LIST.length + 1);
    assert.equal(await focused(page), "Open your own\u2026");
    await close();
  });

  const own = `${ROOT}dist/models/gallery.json`;
  test("of the site begins with the model that the page opens with", { skip: !existsSync(own) && "no dist/models/gallery.json" }, async () => {
    const [{ id, title }] = JSON.parse(readFileSync(own, "utf8"));
    const { page, close } = await openPage(browser, server.url);
    assert.equal(await page.textContent("#model-title"), title);
    await openMenu(page);
    await page.waitForFunction((key) => document.querySelector("#gallery-menu [data-key]").dataset.key === key, `sample:${id}`);
    assert.equal(await page.getAttribute("#gallery-menu [data-key]", "aria-checked"), "true");
    await close();
  });
});

describe("a link", () => {
  const view = async (page) => ({ title: await page.textContent("#model-title"), text: await text(page), cells: await cells(page), prediction: await prediction(page), scale: await page.inputValue('select[aria-label="scale"]') });

  test("restores model, text and settings, after a reload and elsewhere", async () => {
    const { page, faults, close } = await openGallery();
    await choose(page, TITLES.pairs);
    await typeText(page, "dead bee");
    await page.selectOption('select[aria-label="scale"]', "raw");
    const box = await page.locator("#mirror .cell").nth(2).boundingBox();
    await page.mouse.click(box.x + box.width / 4, box.y + box.height - 10);
    await settled(page);
    // The model has 24 steps, and the text is at their end.
    await hashIs(page, "#sample=pairs&query=19&scale=raw&text=dead%20bee");
    const [shown, link] = [await view(page), await hash(page)];
    await page.reload();
    await settled(page);
    assert.deepEqual(await view(page), shown);
    assert.equal(await hash(page), link);
    const other = await openGallery({ fragment: link });
    assert.deepEqual(await view(other.page), shown);
    // One model was fetched, not the first before it.
    assert.deepEqual(other.asked, ["gallery.json", "pairs.safetensors"]);
    assert.deepEqual([...faults, ...other.faults], []);
    await other.close();
    await close();
  });

  test("to a sample that is not there: the page says so, and the first reads the text; nothing of the link's model is left", async () => {
    const { page, faults, close } = await openGallery({ fragment: "#sample=gone&query=3&head=2&scale=raw&text=win%20900" });
    assert.match(await page.textContent(".notice"), /no sample model .gone. here.*first of the sample models reads the text/s);
    assert.equal(await page.textContent("#model-title"), TITLES[FIRST]);
    assert.equal(await text(page), "win 900");
    await hashIs(page, "#scale=raw&text=win%20900");
    assert.deepEqual(faults, []);
    await close();
  });

  test("that names no possible sample, or the first by its id", async () => {
    const { page, close } = await openGallery({ fragment: "#sample=..%2Fsecret&text=a" });
    assert.match(await page.textContent(".notice"), /sample model .\.\.\/secret., which cannot be the name of one/);
    await hashIs(page, "#text=a");
    await close();
    const first = await openGallery({ fragment: `#sample=${FIRST}&text=b` });
    assert.equal(await first.page.$(".notice"), null);
    assert.deepEqual(first.asked, ["sms-spam.safetensors"]);
    await first.page.selectOption('select[aria-label="scale"]', "raw");
    await hashIs(first.page, "#scale=raw&text=b");
    await first.close();
  });

  test("without the list its sample is asked for all the same", async () => {
    const { page, close } = await openGallery({ fragment: "#sample=twin", list: "nonsense" });
    assert.equal(await page.textContent("#model-title"), TITLES.twin);
    await close();
  });

  test("to a sample that cannot be had: no model, and the gallery is the way on", async () => {
    const { page, close } = await openGallery({ fragment: "#sample=pairs&text=abc", ready: false, answer: { "pairs.safetensors": (route) => route.fulfill({ status: 500 }) } });
    await page.waitForSelector(".notice.alert");
    assert.match(await page.textContent(".notice"), /sample model could not be fetched.*pairs\.safetensors.*500/s);
    await choose(page, TITLES.twin);
    assert.equal(await text(page), "abc");
    await hashIs(page, "#sample=twin&text=abc");
    await close();
  });

  test("followed in the same tab brings its model, and a step back the one before with its text", async () => {
    const { page, faults, close } = await openGallery({ fragment: "#text=win%20900%20now" });
    const shown = await view(page);
    await page.evaluate(() => { location.hash = "#sample=pairs&query=22&scale=raw&text=dead%20beef"; });
    await titled(page, TITLES.pairs);
    await settled(page);
    assert.equal(await text(page), "dead beef");
    assert.equal((await view(page)).scale, "raw");
    await hashIs(page, "#sample=pairs&query=22&scale=raw&text=dead%20beef");
    await page.goBack();
    await titled(page, TITLES[FIRST]);
    await settled(page);
    assert.deepEqual(await view(page), shown);
    await page.goForward();
    await titled(page, TITLES.pairs);
    await settled(page);
    assert.equal(await text(page), "dead beef");
    assert.deepEqual(faults, []);
    await close();
  });

  test("followed in the same tab to a sample that is not there: the first comes, with the link's text, and the page says so", async () => {
    const { page, close } = await openGallery({ fragment: "#sample=pairs" });
    await page.evaluate(() => { location.hash = "#sample=gone&query=3&scale=raw&text=win%20900"; });
    await titled(page, TITLES[FIRST]);
    await settled(page);
    assert.match(await page.textContent(".notice"), /no sample model .gone. here/);
    assert.equal(await text(page), "win 900");
    await hashIs(page, "#scale=raw&text=win%20900");
    // The same link once more, with the first in use already.
    await typeText(page, "typed");
    await page.evaluate(() => { location.hash = "#sample=gone&text=win%20901"; });
    await page.waitForFunction(() => document.querySelector("#text").value === "win 901");
    await close();
  });

  test("followed to a sample that cannot be had: what is in use stays, and so says the address", async () => {
    const { page, close } = await openGallery({ fragment: "#scale=raw&text=win%20900%20now", answer: { "pairs.safetensors": (route) => route.fulfill({ status: 500 }) } });
    const shown = await view(page);
    await page.evaluate(() => { location.hash = "#sample=pairs&text=dead%20beef"; });
    await page.waitForSelector(".notice.alert");
    assert.deepEqual(await view(page), shown);
    await hashIs(page, "#scale=raw&text=win%20900%20now");
    await close();
  });

  test("whose sample is on its way gives way to a step back, and does not take what is typed meanwhile", async () => {
    const { page, close } = await openGallery({ fragment: "#text=win%20900%20now", before: slowModels("pairs.safetensors", "twin.safetensors") });
    const shown = await view(page);
    await page.evaluate(() => { location.hash = "#sample=pairs&text=dead%20beef"; });
    await file(page, "pairs.safetensors", "send", 0.5);
    await page.goBack();
    await page.waitForFunction(() => window.files["pairs.safetensors"].stopped);
    assert.deepEqual(await view(page), shown);
    await page.evaluate(() => { location.hash = "#sample=twin&scale=raw&text=from%20the%20link"; });
    await file(page, "twin.safetensors", "send", 0.5);
    await typeText(page, "typed meanwhile");
    await file(page, "twin.safetensors", "end");
    await titled(page, TITLES.twin);
    await settled(page);
    assert.equal(await text(page), "typed meanwhile");
    assert.equal((await view(page)).scale, "raw");
    await close();
  });

  test("to a file of the user's, followed in the same tab: named, and nothing of that model is put to the one in use", async () => {
    const { page, close } = await openGallery();
    await page.evaluate(() => { location.hash = "#model=mine.safetensors&query=3&scale=raw&text=dead%20beef"; });
    await page.waitForSelector(".notice");
    assert.match(await page.textContent(".notice"), /made with the model .mine\.safetensors.*SMS spam.* stays in use/s);
    assert.equal(await text(page), "dead beef");
    await hashIs(page, "#scale=raw&text=dead%20beef");
    // Once it is there it gets what the link says of it.
    await drop(page, [{ name: "mine.safetensors", bytes: MODELS.pairs() }]);
    await titled(page, TITLES.pairs);
    await hashIs(page, "#model=mine.safetensors&query=3&scale=raw&text=dead%20beef");
    // And where it is remembered, a step back to its link brings it again.
    await choose(page, TITLES.twin);
    await page.evaluate(() => { location.hash = "#model=mine.safetensors&text=bad"; });
    await titled(page, TITLES.pairs);
    await settled(page);
    assert.equal(await text(page), "bad");
    assert.equal(await page.$(".notice"), null);
    await close();
  });
});

describe("what comes along to another model", () => {
  test("not the query, the signal and its unit; but scale and colours", async () => {
    const { page, close } = await openGallery();
    await page.selectOption('select[aria-label="palette"]', "cividis");
    await page.selectOption('select[aria-label="what the colours show"]', { label: "update gate" });
    await settled(page);
    await page.selectOption('select[aria-label="unit"]', "3");
    await page.waitForFunction(() => /^#signal=.*&unit=3&palette=cividis$/.test(location.hash));
    await choose(page, TITLES.pairs);
    await hashIs(page, "#sample=pairs&palette=cividis");
    await page.selectOption('select[aria-label="query"]', "mean");
    await hashIs(page, "#sample=pairs&query=mean&palette=cividis");
    await choose(page, TITLES[FIRST]);
    await hashIs(page, "#palette=cividis");
    await choose(page, TITLES.pairs);
    await hashIs(page, "#sample=pairs&palette=cividis");
    await close();
  });

  test("a text that was typed; an example gives way to an example, also where it was clicked, and the link does not carry it", async () => {
    const { page, close } = await openGallery();
    await choose(page, TITLES.twin);
    assert.equal(await text(page), "Call 0900 now");
    await page.click('.chip:text-is("See you")');
    await choose(page, TITLES.pairs);
    assert.equal(await text(page), "a bad cafe");
    await hashIs(page, "#sample=pairs");
    await typeText(page, "a bag");
    await choose(page, TITLES.twin);
    assert.equal(await text(page), "a bag");
    await hashIs(page, "#sample=twin&text=a%20bag");
    // Nothing is not a text of one's own.
    await typeText(page, "");
    await choose(page, TITLES[FIRST]);
    assert.match(await text(page), FIRST_TEXT);
    await close();
  });

  test("an example stays where the next model has none, and gives way to the one after", async () => {
    const { page, close } = await openGallery();
    await choose(page, TITLES.twin);
    await choose(page, TITLES.mute);
    assert.equal(await text(page), "Call 0900 now");
    await hashIs(page, "#sample=mute&text=Call%200900%20now");
    await choose(page, TITLES.pairs);
    assert.equal(await text(page), "a bad cafe");
    await close();
  });

  test("undo: what was typed before an example that gave way", async () => {
    const { page, close } = await openGallery();
    await typeText(page, "mine");
    await page.click('.chip:text-is("Running late")');
    await choose(page, TITLES.pairs);
    assert.equal(await text(page), "a bad cafe");
    await page.focus("#text");
    for (const wanted of [/^(?!a bad cafe|mine)/, /^mine$/]) {
      await page.keyboard.press("Control+z");
      await settled(page);
      assert.match(await text(page), wanted);
    }
    assert.match(await prediction(page), /^(one|two|three) 0\.\d{3}$/);
    await close();
  });
});

test("after a model of one's own the gallery is the way back, with the network gone too, and forth again", async () => {
  const { page, faults, close } = await openGallery();
  await openMenu(page);
  await page.keyboard.press("Escape");
  await page.context().setOffline(true);
  await drop(page, [{ name: "mine.safetensors", bytes: withMetadata(sampleBytes(), { title: "Mine", examples: [{ text: "my own example", title: "Own", note: "" }] }) }]);
  await titled(page, "Mine");
  assert.equal(await text(page), "my own example");
  await openMenu(page);
  assert.deepEqual(await entries(page), [...Object.values(TITLES), "[Mine]", "Open your own\u2026"]);
  await page.keyboard.press("Escape");
  await choose(page, TITLES[FIRST]);
  assert.match(await text(page), FIRST_TEXT);
  await hashIs(page, "");
  await choose(page, "Mine");
  assert.equal(await text(page), "my own example");
  await hashIs(page, "#model=mine.safetensors");
  assert.deepEqual(faults, []);
  await close();
});

describe("how it looks", () => {
  for (const [width, height] of [[320, 640], [360, 740], [640, 800], [700, 800], [1280, 800]]) {
    test(`${width} px: the menu is in view, whole or to be scrolled, and nothing else scrolls sideways`, async () => {
      const long = LIST.map((one) => ({ ...one, title: `${one.title}, ${"and more of it ".repeat(4)}`, summary: `${one.summary} ${"w".repeat(90)}` }));
      const { page, close } = await openGallery({ list: [...long, ...long.map((one) => ({ ...one, id: `${one.id}.2` }))], viewport: { width, height } });
      await openMenu(page);
      const { x, y, width: wide, height: high } = await page.locator("#gallery").boundingBox();
      assert.ok(x >= 0 && x + wide <= width && y + high <= height, `${x} + ${wide}, ${y} + ${high}`);
      assert.ok(await page.$eval("#gallery", (box) => box.scrollWidth <= box.clientWidth && box.scrollHeight > box.clientHeight));
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0);
      await page.keyboard.press("End");
      const last = await page.locator("#gallery-menu [data-key]").last().boundingBox();
      assert.ok(last.y + last.height <= y + high + 1);
      await close();
    });
  }

  for (const colorScheme of ["light", "dark"]) {
    test(`axe finds nothing serious in the menu, ${colorScheme}`, async () => {
      const { page, close } = await openGallery({ colorScheme, bypassCSP: true });
      for (const state of ["with the list", "without"]) {
        if (state === "without") {
          await page.unroute("**/models/*");
          await offerGallery(page, { list: "nonsense" });
          await page.reload();
          await settled(page);
        }
        await openMenu(page);
        assert.equal(await page.isVisible("#gallery-note"), state === "without");
        await page.evaluate(AXE);
        const { violations, passes } = await page.evaluate(() => window.axe.run());
        const bad = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
        assert.deepEqual(bad.map(({ id, nodes }) => [state, id, nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`)]), []);
        assert.ok(passes.some(({ id }) => id === "aria-required-children"));
      }
      await close();
    });
  }

  test("forced colours: the model in use is marked, and the item with the focus framed", async () => {
    const { page, close } = await openGallery({ forcedColors: "active" });
    await page.focus("#gallery-button");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#gallery", { state: "visible" });
    const [used, other] = await page.$$eval("#gallery-menu [data-key]", (items) => items.slice(0, 2).map((item) => {
      const { content, borderBottomWidth, borderBottomColor } = getComputedStyle(item, "::before");
      return { mark: content === "none" ? null : [borderBottomWidth, borderBottomColor], outline: getComputedStyle(item).outlineStyle };
    }));
    assert.deepEqual(used, { mark: ["2px", "rgb(0, 0, 0)"], outline: "solid" });
    assert.deepEqual(other, { mark: null, outline: "none" });
    await close();
  });
});
