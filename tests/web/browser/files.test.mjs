/** Files dropped on the page: good ones are used, bad ones get the engine's words and change nothing. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { cells, checked, drop, launch, openPage, prediction, ROOT, sampleBytes, serveDist, settled, typeText } from "../support/browser.mjs";
import { parse, withMetadata, write } from "../support/bundle.mjs";

const TOKENIZER = readFileSync(`${ROOT}web/models/sms-spam/tokenizer.json`);
const VOCABULARY = JSON.parse(JSON.parse(TOKENIZER).config.word_index);

let browser, server, sample;
before(async () => {
  browser = await launch();
  server = await serveDist();
  sample = sampleBytes();
});
after(async () => {
  await browser.close();
  await server.close();
});

const json = (value) => new TextEncoder().encode(JSON.stringify(value));
const title = (page) => page.textContent("#model-title");
const notice = async (page) => {
  // What is still being done has a notice too, where that takes a while.
  await page.waitForSelector(".notice:not(.working)");
  return page.textContent(".notice:not(.working)");
};
const titled = (page, text) => page.waitForFunction((wanted) => document.querySelector("#model-title").textContent === wanted, text);

/** The same content in the JSON form of FORMAT.md section 2. */
function jsonForm(bytes) {
  const { metadata, tensors, data } = parse(bytes);
  const floats = (begin, end) => Array.from(new Float32Array(data.buffer.slice(data.byteOffset + begin, data.byteOffset + end)));
  const entries = Object.entries(tensors).map(([name, { dtype, shape, data_offsets: [begin, end] }]) => [name, { dtype, shape, data: floats(begin, end) }]);
  return json({ __metadata__: metadata, tensors: Object.fromEntries(entries) });
}

describe("a good file", () => {
  for (const [form, bytesOf, name] of [
    ["safetensors", (bytes) => bytes, "mine.safetensors"],
    ["JSON", jsonForm, "mine.json"],
    ["whatever its name", (bytes) => bytes, "download (1)"],
  ]) {
    test(`${form}: is used, the text stays`, async () => {
      const { page, faults, close } = await openPage(browser, server.url);
      await typeText(page, "win 900 now");
      const before = { cells: await cells(page), prediction: await prediction(page) };
      await drop(page, [{ name, bytes: bytesOf(withMetadata(sample, { title: "My model" })) }]);
      await titled(page, "My model");
      await settled(page);
      assert.equal(await page.inputValue("#text"), "win 900 now");
      assert.deepEqual({ cells: await cells(page), prediction: await prediction(page) }, before);
      await page.waitForFunction((wanted) => location.hash.includes(`model=${encodeURIComponent(wanted)}`), name);
      assert.equal(await page.$(".notice"), null);
      assert.deepEqual(faults, []);
      await close();
    });
  }

  test("picked with the button instead of dropped", async () => {
    const { page, close } = await openPage(browser, server.url);
    const choosing = page.waitForEvent("filechooser");
    await page.click("#pick-file");
    const chooser = await choosing;
    const file = { name: "p.safetensors", mimeType: "", buffer: Buffer.from(withMetadata(sample, { title: "Picked" })) };
    await chooser.setFiles(file);
    await titled(page, "Picked");
    await close();
  });

  test("the last of two dropped at once wins, and a link made with it says so elsewhere", async () => {
    const { page, close } = await openPage(browser, server.url);
    await drop(page, [{ name: "a.safetensors", bytes: withMetadata(sample, { title: "A" }) }]);
    await drop(page, [{ name: "b.safetensors", bytes: withMetadata(sample, { title: "B" }) }]);
    await titled(page, "B");
    await settled(page);
    await page.waitForFunction(() => location.hash.includes("model=b.safetensors"));
    await page.reload();
    assert.match(await notice(page), /made with the model .b\.safetensors/);
    await close();
  });
});

describe("a model that is given while another is on its way", () => {
  /** Drops a file whose bytes, but for the first, come when `window.release` is called; `window.stopped` tells whether nobody waits for them any more. */
  const dropSlowly = (page, name, bytes) => page.evaluate(({ name, base64 }) => {
    const all = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const file = new File([all], name);
    window.stopped = false;
    file.stream = () => new ReadableStream({
      start: (controller) => {
        controller.enqueue(all.subarray(0, 1000));
        window.release = () => {
          if (window.stopped) return;
          controller.enqueue(all.subarray(1000));
          controller.close();
        };
      },
      cancel: () => { window.stopped = true; },
    });
    const event = new DragEvent("drop", { bubbles: true, cancelable: true });
    Object.defineProperty(event, "dataTransfer", { value: { types: ["Files"], items: [], files: [file] } });
    document.body.dispatchEvent(event);
  }, { name, base64: Buffer.from(bytes).toString("base64") });
  /** Keeps every title that the page shows. */
  const watchTitles = (page) => page.evaluate(() => {
    const title = document.querySelector("#model-title");
    window.titles = [];
    new MutationObserver(() => window.titles.push(title.textContent)).observe(title, { childList: true, characterData: true, subtree: true });
  });

  test("and is still being read: the reading is told of, and given up; nothing of it shows", async () => {
    const { page, faults, close } = await openPage(browser, server.url);
    await watchTitles(page);
    await dropSlowly(page, "slow.safetensors", withMetadata(sample, { title: "Slow" }));
    await page.waitForFunction(() => /Reading .slow\.safetensors/.test(document.querySelector(".notice.working")?.textContent));
    assert.ok(await page.$eval(".notice.working progress", ({ value }) => value > 0 && value < 0.1));
    await drop(page, [{ name: "quick.safetensors", bytes: withMetadata(sample, { title: "Quick" }) }]);
    await titled(page, "Quick");
    assert.equal(await page.evaluate(() => window.stopped), true);
    await page.evaluate(() => window.release());
    await settled(page);
    assert.equal(await page.$(".notice"), null);
    assert.deepEqual(await page.evaluate(() => [...new Set(window.titles)]), ["Quick"]);
    assert.deepEqual(faults, []);
    await close();
  });

  test("and is being opened: its worker is stopped as soon as the newer file is known to be a model", async () => {
    const { page, faults, close } = await openPage(browser, server.url, {
      before: (own) => own.addInitScript(() => {
        const Native = Worker;
        window.workers = [];
        window.Worker = class extends Native {
          constructor(...args) {
            super(...args);
            window.workers.push(this);
          }
          postMessage(message) {
            // A model that takes for ever to open.
            if (message.kind !== "open" || message.source.fileName !== "endless.safetensors") super.postMessage(message);
          }
          terminate() {
            this.terminated = true;
            super.terminate();
          }
        };
      }),
    });
    await drop(page, [{ name: "endless.safetensors", bytes: withMetadata(sample, { title: "Endless" }) }]);
    await page.waitForFunction(() => /Opening .endless\.safetensors/.test(document.querySelector(".notice.working")?.textContent));
    await dropSlowly(page, "slow.safetensors", withMetadata(sample, { title: "Slow" }));
    await page.waitForFunction(() => window.workers[1].terminated);
    assert.equal(await page.evaluate(() => window.stopped), false);
    await page.evaluate(() => window.release());
    await titled(page, "Slow");
    await settled(page);
    assert.equal(await page.$(".notice"), null);
    assert.deepEqual(faults, []);
    await close();
  });

  test("and is the sample, which is still being fetched: the fetch is given up", async () => {
    const failed = [];
    const { page, close } = await openPage(browser, server.url, {
      ready: false,
      before: async (own) => {
        own.on("requestfailed", (request) => failed.push(request.url()));
        // Never answered.
        await own.route("**/models/*", () => undefined);
      },
    });
    await drop(page, [{ name: "mine.safetensors", bytes: withMetadata(sample, { title: "Mine" }) }]);
    await titled(page, "Mine");
    await settled(page);
    assert.equal(failed.length, 1);
    assert.match(failed[0], /models\/sms-spam\.safetensors$/);
    assert.equal(await page.$(".notice"), null);
    await close();
  });

  test("and is its vocabulary: that is kept", async () => {
    const { page, faults, close } = await openPage(browser, server.url);
    await dropSlowly(page, "tokenizer.json", TOKENIZER);
    await drop(page, [{ name: "bare.safetensors", bytes: withMetadata(sample, { text: undefined, parity: undefined, title: "Bare" }) }]);
    await page.evaluate(() => window.release());
    await titled(page, "Bare");
    await page.waitForFunction(() => /Vocabulary tokenizer\.json in use/.test(document.querySelector("#notices").textContent));
    assert.deepEqual(faults, []);
    await close();
  });
});

describe("a bad file", () => {
  const flipped = () => {
    const bytes = sample.slice();
    bytes[bytes.length - 1000] ^= 4;
    return bytes;
  };
  const reshaped = () => {
    const bundle = parse(sample);
    const name = Object.keys(bundle.tensors).find((tensor) => tensor.includes("recurrent_kernel"));
    const tensor = bundle.tensors[name];
    return write({ ...bundle, tensors: { ...bundle.tensors, [name]: { ...tensor, shape: [...tensor.shape].reverse() } } });
  };
  const PNG = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
  for (const [name, file, bytes, words] of [
    ["cut short", "cut.safetensors", () => sample.slice(0, sample.length - 777), /expected .*bytes|expected .*data/],
    ["a flipped bit", "flip.safetensors", flipped, /digest|damage/i],
    ["a picture", "picture.safetensors", () => PNG, /PNG/i],
    ["a web page", "page.safetensors", () => Buffer.from("<!doctype html><title>404</title>"), /HTML|web page/i],
    ["a wrong shape", "shape.safetensors", reshaped, /expected .*250.*750|expected .*shape/],
    ["empty", "empty.safetensors", () => new Uint8Array(), /empty|0 bytes|too short/i],
    ["a newer format", "newer.safetensors", () => withMetadata(sample, { format: "charglow/2" }), /charglow\/1.*charglow\/2/],
    ["a vocabulary that does not fit", "vocab.json", () => json({ a: 99999 }), /id 99,?999/],
    ["JSON that ends too soon", "half.json", () => Buffer.from('{"a": 1'), /JSON/],
  ]) {
    test(`${name}: the engine says what is wrong; model, text and colours stay until one dismisses it, and after`, async () => {
      const { page, faults, close } = await openPage(browser, server.url);
      await typeText(page, "win 900 now");
      const before = { title: await title(page), cells: await cells(page), prediction: await prediction(page) };
      await drop(page, [{ name: file, bytes: bytes() }]);
      const said = await notice(page);
      assert.match(said, words);
      assert.match(said, /: expected .*, found /);
      assert.ok(said.includes(file), `${said} names ${file}`);
      assert.match(said, /stays in use/);
      assert.equal(await page.getAttribute(".notice", "role"), "alert");
      assert.deepEqual({ title: await title(page), cells: await cells(page), prediction: await prediction(page) }, before);
      // The engine is as good as before.
      await typeText(page, "win 900 now!");
      assert.ok(await page.isVisible(".notice"));
      await typeText(page, "win 900 now");
      assert.deepEqual({ title: await title(page), cells: await cells(page), prediction: await prediction(page) }, before);
      await page.click(".notice .dismiss");
      assert.equal(await page.$(".notice"), null);
      assert.deepEqual(faults, []);
      await close();
    });
  }

  test("too large: refused before it is read", async () => {
    const { page, close } = await openPage(browser, server.url);
    await page.evaluate(() => {
      const file = new File(["x"], "huge.safetensors");
      Object.defineProperty(file, "size", { value: 3e9 });
      file.slice = file.stream = file.arrayBuffer = () => { throw new Error("it was read"); };
      const event = new DragEvent("drop", { bubbles: true, cancelable: true });
      Object.defineProperty(event, "dataTransfer", { value: { types: ["Files"], items: [], files: [file] } });
      document.body.dispatchEvent(event);
    });
    assert.match(await notice(page), /huge\.safetensors: expected at most 256,000,000 bytes, found 3,000,000,000 bytes/);
    await close();
  });

  test("gone since: says to drop it again", async () => {
    const { page, close } = await openPage(browser, server.url);
    await page.evaluate(() => {
      const file = new File(["x"], "gone.safetensors");
      file.stream = () => new ReadableStream({ pull: () => { throw new DOMException("The file could not be read", "NotReadableError"); } });
      const event = new DragEvent("drop", { bubbles: true, cancelable: true });
      Object.defineProperty(event, "dataTransfer", { value: { types: ["Files"], items: [], files: [file] } });
      document.body.dispatchEvent(event);
    });
    assert.match(await notice(page), /gone\.safetensors: .*drop it again/);
    await close();
  });

  test("several models at once", async () => {
    const { page, close } = await openPage(browser, server.url);
    await drop(page, ["a", "b", "c"].map((name) => ({ name, bytes: sample })));
    assert.match(await notice(page), /a, b, c: expected a model, and of its architecture, its vocabulary and its labels at most one each, found 3 models/);
    await close();
  });

  test("a whole folder's worth", async () => {
    const { page, close } = await openPage(browser, server.url);
    await drop(page, ["a", "b", "c", "d", "e"].map((name) => ({ name, bytes: sample })));
    assert.match(await notice(page), /found 5 files/);
    await close();
  });
});

describe("another vocabulary for a model that has one", () => {
  test("is named, with what it brings and the way back", async () => {
    const { page, faults, close } = await openPage(browser, server.url);
    await typeText(page, "win 900 now");
    const before = { cells: await cells(page), prediction: await prediction(page) };
    const small = Object.fromEntries([..."abcdefghijklmnopqrstuvwxyz"].map((letter, i) => [letter, i + 1]));
    await drop(page, [{ name: "small.json", bytes: json(small) }]);
    await page.waitForFunction(() => /Vocabulary small\.json in use \(26 tokens\)/.test(document.querySelector("#notices").textContent));
    await settled(page);
    await checked(page);
    const said = await page.textContent("#notices");
    assert.match(said, /largest id is 26/);
    assert.match(said, /gives other ids than the model was made with/);
    assert.doesNotMatch(said, /does not reproduce/);
    assert.match(await page.textContent("#truth"), /other ids than the model was made with/);
    await page.click('.notice button:text-is("Undo")');
    await page.waitForFunction(() => !document.querySelector(".notice"));
    await settled(page);
    assert.deepEqual({ cells: await cells(page), prediction: await prediction(page) }, before);
    assert.deepEqual(faults, []);
    await close();
  });
});

test("a newer failure takes the place of the one before", async () => {
  const { page, close } = await openPage(browser, server.url);
  for (const name of ["first.safetensors", "second.safetensors"]) {
    await drop(page, [{ name, bytes: new Uint8Array() }]);
    await page.waitForFunction((file) => document.querySelector("#notices").textContent.includes(file), name);
  }
  assert.equal(await page.$$eval(".notice", (notices) => notices.length), 1);
  await close();
});

test("a sample that is not there: one sentence, and the page does not wait for it", async () => {
  const { page, close } = await openPage(browser, server.url, {
    ready: false, before: (own) => own.route("**/sms-spam.safetensors", (route) => route.fulfill({ status: 404 })),
  });
  const said = await notice(page);
  assert.equal(said.match(/expected/g).length, 1);
  assert.match(said, /sms-spam\.safetensors: expected the file, found 404/);
  assert.equal(await page.getAttribute("#sheet", "aria-busy"), "false");
  await close();
});

test("opened from disk: says what it needs, and nothing of it where scripts run", async () => {
  const { page, close } = await openPage(browser, `file://${ROOT}dist/index.html`, { ready: false });
  assert.ok(await page.isVisible("text=charglow needs a web server: run npm start"));
  await page.goto(server.url);
  await settled(page);
  assert.equal(await page.$("#needs-server"), null);
  await close();
});

describe("a model without a vocabulary", () => {
  const bare = () => withMetadata(sample, { text: undefined, parity: undefined, examples: undefined, title: "Bare" });

  test("asks for one; Keras's own Tokenizer file makes it the sample again", async () => {
    const { page, faults, close } = await openPage(browser, server.url);
    await typeText(page, "win 900 now");
    const before = { cells: await cells(page), prediction: await prediction(page) };
    await drop(page, [{ name: "bare.safetensors", bytes: bare() }]);
    await page.waitForSelector("#vocabulary-dialog[open]");
    await drop(page, [{ name: "tokenizer.json", bytes: TOKENIZER }]);
    await page.waitForSelector("#vocabulary-dialog", { state: "hidden" });
    await settled(page);
    assert.deepEqual({ cells: await cells(page), prediction: await prediction(page) }, before);
    assert.equal(await title(page), "Bare");
    assert.deepEqual(faults, []);
    await close();
  });

  test("takes its characters typed in the order of their ids", async () => {
    const { page, close } = await openPage(browser, server.url);
    await typeText(page, "win 900 now");
    const before = { cells: await cells(page), prediction: await prediction(page) };
    await drop(page, [{ name: "bare.safetensors", bytes: bare() }]);
    await page.waitForSelector("#vocabulary-dialog[open]");
    const charset = Object.entries(VOCABULARY).sort((a, b) => a[1] - b[1]).map(([character]) => character).join("");
    await page.fill("#charset", charset);
    assert.match(await page.textContent("#vocabulary-dialog .hint"), new RegExp(`${Array.from(charset).length} characters: ids 1 to ${Array.from(charset).length}`));
    await page.click("#vocabulary-dialog .primary");
    await page.waitForSelector("#vocabulary-dialog", { state: "hidden" });
    await settled(page);
    assert.deepEqual({ cells: await cells(page), prediction: await prediction(page) }, before);
    await close();
  });

  test("says in the dialog what is wrong with a vocabulary, and lets one put it off", async () => {
    const { page, close } = await openPage(browser, server.url);
    await drop(page, [{ name: "bare.safetensors", bytes: bare() }]);
    await page.waitForSelector("#vocabulary-dialog[open]");
    await page.click("#vocabulary-dialog .primary");
    assert.match(await page.textContent(".dialog-problems"), /expected at least one character, found none/);
    await page.fill("#charset", "aab\n");
    assert.match(await page.textContent("#vocabulary-dialog .hint"), /^3 characters/);
    await page.focus("#charset");
    await page.keyboard.press("Enter");
    assert.match(await page.textContent(".dialog-problems"), /expected .*, found .*a/);
    await page.fill("#charset", "ab");
    await page.fill("#first-id", "500");
    await page.click("#vocabulary-dialog .primary");
    await page.waitForFunction(() => /50[01]/.test(document.querySelector(".dialog-problems").textContent));
    await page.click("#vocabulary-dialog .dialog-actions .quiet:last-child");
    assert.match(await page.textContent("#prediction"), /no vocabulary/);
    assert.equal((await cells(page)).filter(({ classes }) => classes.some((name) => /^g\d/.test(name))).length, 0);
    await page.click("#prediction .link");
    assert.ok(await page.isVisible("#vocabulary-dialog"));
    await close();
  });

  test("comes with its vocabulary when both are dropped together", async () => {
    const { page, close } = await openPage(browser, server.url);
    await drop(page, [{ name: "tokenizer.json", bytes: TOKENIZER }, { name: "bare.safetensors", bytes: bare() }]);
    await titled(page, "Bare");
    await settled(page);
    assert.equal(await page.isVisible("#vocabulary-dialog"), false);
    assert.match(await prediction(page), /ham|spam/);
    await close();
  });
});

test("strings of a model are text: markup in title, labels, examples and licence does nothing", async () => {
  const evil = '<img src=x onerror="window.evil=1"><script>window.evil=1</script>&lt;';
  const { page, faults, close } = await openPage(browser, server.url);
  await drop(page, [{
    name: "evil.safetensors",
    bytes: withMetadata(sample, { title: evil, labels: [`${evil}0`, `${evil}1`], examples: [{ text: evil, title: evil, note: evil }], licence: evil }),
  }]);
  await page.waitForFunction((start) => document.querySelector("#model-title").textContent.startsWith(start), evil.slice(0, 40));
  await page.click(".chip");
  await settled(page);
  assert.ok((await prediction(page)).startsWith(evil.slice(0, 40)));
  await page.click("#model-button");
  assert.ok((await page.textContent("#model-dialog h2")).startsWith(evil.slice(0, 40)));
  assert.equal(await page.evaluate(() => window.evil), undefined);
  assert.equal(await page.$("img, main script"), null);
  assert.deepEqual(faults, []);
  await close();
});

test("the model card says what the model is and how far it agrees with Keras", async () => {
  const { page, close } = await openPage(browser, server.url);
  await checked(page);
  await page.click("#model-button");
  const card = await page.textContent("#model-dialog");
  for (const part of ["attention_vec", "2.15.0", "gru", "(batch, 250, 250)", "Licence", "All 13 cases", "reset_after"]) assert.ok(card.includes(part), part);
  await page.keyboard.press("Escape");
  assert.equal(await page.isVisible("#model-dialog"), false);
  await close();
});
