/** What Keras saved, dropped as it is: converted by the page's own reader, in a worker that is fetched when it is first needed. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { ROOT, cells, drop, openPage, prediction, sampleBytes, serveDist, settled, typeText } from "../support/browser.mjs";
import { withMetadata } from "../support/bundle.mjs";
import { browser, server, useSite } from "../support/site.mjs";

const read = (path) => readFileSync(`${ROOT}${path}`);
const SAMPLE = "web/models/sms-spam";
const model = { name: "weights.best.hdf5", bytes: read(`${SAMPLE}/weights.best.hdf5`) };
const tokenizer = { name: "tokenizer.json", bytes: read(`${SAMPLE}/tokenizer.json`) };
const about = { name: "about.json", bytes: read(`${SAMPLE}/about.json`) };
const ONLY = "tests/fixtures/keras-2.15/weights_only";
const weights = { name: "weights.h5", bytes: read(`${ONLY}/weights.h5`) };
const config = { name: "config.json", bytes: read(`${ONLY}/config.json`) };
const letters = { name: "letters.json", bytes: Buffer.from(JSON.stringify(Object.fromEntries([..."abcdefghij"].map((letter, i) => [letter, i + 1])))) };

useSite();

const titled = (page, text) => page.waitForFunction((wanted) => document.querySelector("#model-title").textContent === wanted, text);
const noticed = (page, words) => page.waitForFunction((wanted) => document.querySelector("#notices").textContent.includes(wanted), words);
const TEXT = "win 900 now";
const shown = async (page) => ({ cells: await cells(page), prediction: await prediction(page) });

/** The page with a text, and what the sample model makes of it. */
async function openWithText(options) {
  const opened = await openPage(browser, server.url, options);
  await typeText(opened.page, TEXT);
  return { ...opened, before: await shown(opened.page) };
}

/** What the button on the model card hands to the user. */
async function downloaded(page) {
  await page.click("#model-button");
  const [file] = await Promise.all([page.waitForEvent("download"), page.click('button:text-is("Download the converted model")')]);
  await page.keyboard.press("Escape");
  return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
}

describe("a model with its vocabulary and labels", () => {
  for (const [order, files] of [["model first", [model, tokenizer, about]], ["model last", [about, tokenizer, model]]]) {
    test(`at once, ${order}: does what the sample does, which was converted before`, async () => {
      const { page, faults, close, before } = await openWithText();
      await drop(page, files);
      await noticed(page, "Vocabulary tokenizer.json in use");
      await settled(page);
      assert.deepEqual(await shown(page), before);
      await page.waitForFunction(() => location.hash.includes("model=weights.best.hdf5"));
      assert.deepEqual(faults, []);
      await close();
    });
  }

  test("one after the other", async () => {
    const { page, faults, close, before } = await openWithText();
    await drop(page, [{ ...model, name: "whatever.bin" }]);
    await page.waitForSelector("#vocabulary-dialog[open]");
    await drop(page, [tokenizer]);
    await page.waitForSelector("#vocabulary-dialog", { state: "hidden" });
    await drop(page, [about]);
    await titled(page, "SMS spam, character by character");
    await settled(page);
    assert.deepEqual(await shown(page), before);
    assert.deepEqual(faults, []);
    await close();
  });

  test("the vocabulary before the model: is kept for it", async () => {
    const { page, faults, close } = await openWithText();
    await drop(page, [{ ...letters, bytes: Buffer.from(JSON.stringify({ a: 99999 })) }]);
    await noticed(page, "stays in use");
    await drop(page, [tokenizer]);
    await noticed(page, "Vocabulary tokenizer.json in use");
    await drop(page, [model]);
    await page.waitForFunction(() => location.hash.includes("model=weights.best.hdf5"));
    await noticed(page, "Vocabulary tokenizer.json in use");
    await settled(page);
    assert.equal(await page.$("#vocabulary-dialog[open]"), null);
    assert.match(await page.textContent("#truth"), /11 characters read/);
    assert.deepEqual(faults, []);
    await close();
  });

  test("can be downloaded: the bytes that convert.py makes of the same files", async () => {
    const { page, faults, close } = await openWithText();
    await page.click("#model-button");
    assert.equal(await page.$('button:text-is("Download the converted model")'), null, "the sample is a file already");
    await page.keyboard.press("Escape");
    await drop(page, [model, tokenizer, about]);
    await noticed(page, "Vocabulary tokenizer.json in use");
    const { name, bytes } = await downloaded(page);
    assert.equal(name, "weights.best.safetensors");
    // The sample was made by convert.py of the same files, and of Keras's numbers.
    assert.ok(bytes.equals(withMetadata(sampleBytes(), { parity: undefined })), "the same bytes");
    await drop(page, [{ name, bytes }]);
    await page.waitForFunction((wanted) => location.hash.includes(`model=${wanted}`), name);
    await settled(page);
    assert.match(await prediction(page), /ham|spam/);
    assert.deepEqual(faults, []);
    await close();
  });
});

describe("what Keras 3 saved", () => {
  for (const [fixture, file] of [["format_classic_keras", "model.keras"], ["bare_classic", "model.weights.h5"]]) {
    test(`${file}: the prediction is Keras's`, async () => {
      const of = `tests/fixtures/keras-3/${fixture}`;
      const [{ ids, outputs }] = JSON.parse(read(`${of}/parity.json`)).cases;
      const text = ids[0].map((id) => "abcdefghij"[id - 1]).join("");
      const { page, faults, close } = await openWithText();
      await drop(page, [{ name: file, bytes: read(`${of}/${file}`) }, letters]);
      await page.waitForFunction((name) => location.hash.includes(`model=${name}`), file);
      await typeText(page, text);
      await settled(page);
      const [keras] = Object.values(outputs);
      const shown = Number((await page.textContent("#prediction")).match(/0\.\d+/)[0]);
      assert.ok(Math.abs(shown - keras.values[0]) < 0.001, `${shown} beside ${keras.values[0]}`);
      assert.deepEqual(faults, []);
      await close();
    });
  }
});

describe("weights with an architecture of their own file", () => {
  const runs = async (page) => {
    await page.waitForFunction(() => location.hash.includes("model=weights.h5"));
    await typeText(page, "abc");
    assert.match(await page.textContent("#truth"), /3 characters read/);
    const { bytes } = await downloaded(page);
    return bytes;
  };

  const ways = {
    "at once": [[config, letters, weights]],
    "the architecture first": [[config], [weights, letters]],
    "the architecture last": [[weights, letters], [config]],
    "the vocabulary in between": [[weights], [letters], [config]],
  };
  let first;
  for (const [way, drops] of Object.entries(ways)) {
    test(`${way}: the same model`, async () => {
      const { page, faults, close } = await openWithText();
      // Without a pause: what comes later waits for what is on its way.
      for (const files of drops) await drop(page, files);
      const bytes = await runs(page);
      first ??= bytes;
      assert.ok(bytes.equals(first));
      assert.deepEqual(faults, []);
      await close();
    });
  }

  test("an architecture of a model that has one: is refused, and the model stays", async () => {
    const { page, close, before } = await openWithText();
    await drop(page, [model, config]);
    await noticed(page, "config.json: expected no architecture beside the file\u2019s own".replace("\u2019", "'"));
    assert.deepEqual(await shown(page), before);
    await close();
  });

  test("an architecture alone: is kept, and says what for", async () => {
    const { page, close, before } = await openWithText();
    await drop(page, [config]);
    await noticed(page, "drop the weights that belong to it");
    assert.deepEqual(await shown(page), before);
    await close();
  });
});

describe("a bad file", () => {
  const cut = { name: "cut.h5", bytes: model.bytes.subarray(0, 5000) };
  const zip = { name: "archive.keras", bytes: Buffer.from("PK\x03\x04nothing of a directory") };
  for (const [what, file, words] of [
    ["cut short", cut, /cut\.h5: expected a whole HDF5 file, found 5,000 of its [\d,]+ bytes\. The file is damaged or incomplete/],
    ["a damaged archive", zip, /archive\.keras: expected a Keras file \(\.keras, \.h5, \.hdf5\), found what looks like a damaged ZIP archive/],
    ["labels that are none", { name: "labels.json", bytes: Buffer.from('["one"]') }, /labels\.json: expected at least two names, found 1\./],
  ]) {
    test(`${what}: is named, and the model stays`, async () => {
      const { page, faults, close, before } = await openWithText();
      await drop(page, [file]);
      await page.waitForSelector(".notice.alert");
      const said = await page.textContent(".notice");
      assert.match(said, words);
      assert.match(said, /stays in use/);
      assert.deepEqual(await shown(page), before);
      assert.deepEqual(faults, []);
      await close();
    });
  }

  /** HDF5 looks for ever for the next object of a heap whose first has no size. */
  const endless = () => {
    const bytes = Buffer.from(read("tests/fixtures/keras-2.15/classic/model.h5"));
    const heap = bytes.indexOf("GCOL");
    bytes.fill(0, heap + 16, heap + 32);
    return { name: "endless.h5", bytes };
  };

  test("on which the library hangs: is given up at the deadline", async () => {
    const { page, faults, close, before } = await openWithText({ before: (own) => own.clock.install() });
    await drop(page, [endless()]);
    await page.waitForFunction(() => document.querySelector("progress[value]"));
    const working = page.workers().length;
    // Not a second sooner than the deadline.
    await page.clock.fastForward(18_000);
    assert.equal(await page.$(".notice.alert"), null);
    await page.clock.fastForward(2_000);
    await page.waitForSelector(".notice.alert");
    assert.match(await page.textContent(".notice.alert"), /endless\.h5: expected readable HDF5, found that the HDF5 library hangs on it \(for 20 seconds\)/);
    assert.equal(await page.$("progress"), null);
    for (let tries = 0; page.workers().length >= working && tries < 50; tries++) await page.waitForTimeout(100);
    assert.equal(page.workers().length, working - 1);
    assert.deepEqual(await shown(page), before);
    assert.deepEqual(faults, []);
    await close();
  });

  test("can be stopped, or given up for another", async () => {
    const { page, faults, close, before } = await openWithText();
    await drop(page, [endless()]);
    await page.click('.notice button:text-is("Stop")');
    await page.waitForFunction(() => !document.querySelector(".notice"));
    assert.deepEqual(await shown(page), before);
    await drop(page, [endless()]);
    await page.waitForSelector(".notice progress");
    await drop(page, [model, tokenizer, about]);
    await noticed(page, "Vocabulary tokenizer.json in use");
    assert.equal(await page.$("progress"), null);
    await settled(page);
    assert.deepEqual(await shown(page), before);
    assert.deepEqual(faults, []);
    await close();
  });
});

describe("the reader", () => {
  test("is fetched when it is needed and not before, once, from the page's own folder", async () => {
    const below = await serveDist("/some/where/below/");
    const requests = [];
    const { page, faults, close } = await openPage(browser, below.url, { before: async (own) => own.on("request", (request) => requests.push(request.url())) });
    const readers = () => requests.filter((url) => /reader/.test(url));
    assert.deepEqual(readers(), []);
    for (let time = 0; time < 2; time++) {
      await drop(page, [model, { ...tokenizer, name: `tokenizer${time}.json` }]);
      await noticed(page, `Vocabulary tokenizer${time}.json in use`);
    }
    assert.equal(readers().length, 1);
    assert.ok(readers()[0].startsWith(below.url));
    assert.deepEqual(requests.filter((url) => !url.startsWith(below.url) && !/^(blob|data):/.test(url)), []);
    assert.deepEqual(faults, []);
    await close();
    await below.close();
  });

  test("that cannot be fetched: the page says so, and tries again", async () => {
    const { page, close, before } = await openWithText({ alone: true });
    await page.route("**/reader-*.js", (route) => route.fulfill({ status: 404, body: "" }));
    await drop(page, [model]);
    await page.waitForSelector(".notice.alert");
    assert.match(await page.textContent(".notice"), /reader-.*\.js: expected the file, found 404/);
    assert.deepEqual(await shown(page), before);
    await page.unroute("**/reader-*.js");
    await drop(page, [model, tokenizer]);
    await noticed(page, "Vocabulary tokenizer.json in use");
    await close();
  });
});
