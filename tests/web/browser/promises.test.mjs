/** What the page promises: nothing leaves it, it works from anywhere, and a worker that dies is replaced. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { ROOT, cells, checked, drop, fetched, openPage, prediction, sampleBytes, serveDist, settled, typeText } from "../support/browser.mjs";
import { browser, server, useSite } from "../support/site.mjs";

useSite();

/** Everything a visitor does, in every script the bundled fonts know and in some they do not. */
async function useEverything(page) {
  await typeText(page, "win 900 now \u010de\u0161tina \u0395\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac \u043f\u0440\u0438\u0432\u0435\u0442 \u05e9\u05dc \u5b57 \u{1f600} Vi\u1ec7t \u2190\u2713");
  // A gate, which the engine's first part cannot compute, and the attention again.
  const signal = 'select[aria-label="what the colours show"]';
  const attention = await page.inputValue(signal);
  await page.selectOption(signal, { index: 1 });
  await settled(page);
  assert.match(await prediction(page), /ham|spam/);
  await page.selectOption(signal, attention);
  await page.selectOption('select[aria-label="palette"]', "cividis");
  await page.selectOption('select[aria-label="scale"]', "raw");
  await page.click("#theme-button");
  await page.click(".chip:nth-child(3)");
  await page.click("#model-button");
  await page.keyboard.press("Escape");
  await drop(page, [{ name: "copy.safetensors", bytes: sampleBytes() }]);
  await page.waitForFunction(() => location.hash.includes("model=copy.safetensors"));
  await drop(page, [{ name: "bad.safetensors", bytes: Buffer.from("<html>") }]);
  await page.waitForSelector(".notice");
  await page.click("#copy-link");
  await typeText(page, "and one more");
}

describe("nothing leaves the page", () => {
  test("no request after load, whatever one does", async () => {
    const requests = [];
    const { page, faults, close } = await openPage(browser, server.url, { alone: true });
    await fetched(page);
    page.on("request", (request) => requests.push(request.url()));
    page.context().on("request", (request) => requests.push(request.url()));
    await useEverything(page);
    // The worker's own text is a blob, the icon a data address: they are in memory and ask nobody.
    assert.deepEqual(requests.filter((url) => !/^(blob|data):/.test(url)), []);
    assert.deepEqual(faults, []);
    await close();
  });

  test("it goes on working with the network gone", async () => {
    const { page, faults, close } = await openPage(browser, server.url, { alone: true });
    await fetched(page);
    await page.context().setOffline(true);
    await useEverything(page);
    assert.match(await prediction(page), /ham|spam/);
    assert.deepEqual(faults, []);
    await close();
  });

  test("the policy is the first thing in the head, and forbids what it should", async () => {
    const html = readFileSync(`${ROOT}dist/index.html`, "utf8");
    assert.match(html, /<head>\s*<meta http-equiv="Content-Security-Policy"/);
    const { page, close } = await openPage(browser, server.url, { alone: true });
    const outcome = await page.evaluate(async () => {
      const refused = async (action) => {
        try {
          await action();
          return "allowed";
        } catch (error) {
          return error.name;
        }
      };
      return {
        elsewhere: await refused(() => fetch("https://example.com/")),
        innerHTML: await refused(() => { document.createElement("div").innerHTML = "<b>x</b>"; }),
        // From a timer: code that the test's own connection runs is allowed to evaluate strings.
        newFunction: await new Promise((resolve) => setTimeout(() => resolve(refused(() => new Function("return 1")())))),
        worker: await refused(() => new Worker("worker.js")),
        policy: await refused(() => window.trustedTypes.createPolicy("mine", { createScriptURL: (url) => url })),
      };
    });
    assert.deepEqual(outcome, { elsewhere: "TypeError", innerHTML: "TypeError", newFunction: "EvalError", worker: "TypeError", policy: "TypeError" });
    await close();
  });

  test("the worker is bound by the same policy", async () => {
    const { page, close } = await openPage(browser, server.url, { alone: true });
    const [worker] = page.workers();
    assert.match(worker.url(), /^blob:/);
    const outcome = await worker.evaluate(async () => {
      const refused = async (action) => {
        try {
          await action();
          return "allowed";
        } catch (error) {
          return error.name;
        }
      };
      return [await refused(() => fetch("https://example.com/")), await new Promise((resolve) => setTimeout(() => resolve(refused(() => new Function("return 1")()))))];
    });
    assert.deepEqual(outcome, ["TypeError", "EvalError"]);
    await close();
  });
});

test("it works from a sub-path", async () => {
  const below = await serveDist("/some/where/below/");
  assert.match(below.url, /\/some\/where\/below\/$/);
  const { page, faults, close } = await openPage(browser, below.url);
  await typeText(page, "win 900 now");
  assert.match(await prediction(page), /ham|spam/);
  assert.deepEqual(faults, []);
  await close();
  await below.close();
});

describe("a link", () => {
  const TEXT = "50% off & more = a+b # \u{1f468}\u200d\u{1f469}\u200d\u{1f467}\n\u05e9\u05dc <b>";

  test("gives the same view after a reload and in another window", async () => {
    const { page, close } = await openPage(browser, server.url, { permissions: ["clipboard-read", "clipboard-write"] });
    await typeText(page, TEXT);
    await page.selectOption('select[aria-label="palette"]', "cividis");
    await page.selectOption('select[aria-label="scale"]', "minmax");
    await page.click("#theme-button");
    await page.click("#theme-button");
    await settled(page);
    await page.click("#copy-link");
    await page.waitForFunction(() => document.querySelector("#copy-link").textContent === "Copied");
    const link = await page.evaluate(() => navigator.clipboard.readText());
    const view = async (from) => ({ text: await from.inputValue("#text"), cells: await cells(from), theme: await from.getAttribute("html", "data-theme"), prediction: await prediction(from) });
    const shown = await view(page);
    assert.equal(shown.text, TEXT);
    assert.equal(shown.theme, "dark");
    await page.reload();
    await settled(page);
    assert.deepEqual(await view(page), shown);
    const other = await openPage(browser, link);
    assert.deepEqual(await view(other.page), shown);
    await other.close();
    await close();
  });

  test("followed in the same tab changes the view", async () => {
    const { page, close } = await openPage(browser, server.url);
    await page.evaluate(() => { location.hash = "#scale=raw&text=hello"; });
    await page.waitForFunction(() => document.querySelector("#text").value === "hello");
    await settled(page);
    assert.equal(await page.$eval('select[aria-label="scale"]', (select) => select.value), "raw");
    await close();
  });

  test("with nonsense in it is read as far as it makes sense, and the page says what was left out", async () => {
    const { page, faults, close } = await openPage(browser, `${server.url}#scale=1e99&palette=<script>&zoom=3&theme=dark&text=ok%20%E0%A4`);
    assert.match(await page.textContent(".notice"), /scale.*1e99.*palette.*zoom.*text/);
    assert.equal(await page.getAttribute("html", "data-theme"), "dark");
    assert.deepEqual(faults, []);
    await close();
  });
});

describe("a worker that dies", () => {
  /** Lets the test reach the workers the page makes. */
  const watch = (page) => page.addInitScript(() => {
    const Native = Worker;
    window.workers = [];
    window.Worker = class extends Native {
      constructor(...args) {
        super(...args);
        window.workers.push(this);
      }
    };
  });

  test("by an error: the next key is answered by its successor", async () => {
    const { page, close } = await openPage(browser, server.url, { before: watch });
    await typeText(page, "win 900 now");
    const shown = await cells(page);
    await page.evaluate(() => window.workers.at(-1).dispatchEvent(new ErrorEvent("error", { message: "killed by the test" })));
    await page.waitForFunction(() => window.workers.length === 2);
    await typeText(page, "win 900 now!");
    await typeText(page, "win 900 now");
    assert.deepEqual(await cells(page), shown);
    assert.equal(await page.evaluate(() => window.workers.length), 2);
    await close();
  });

  test("without a word, in the middle of a text: the deadline notices, and the text is answered", async () => {
    const { page, close } = await openPage(browser, server.url, { before: async (own) => { await own.clock.install(); await watch(own); } });
    await checked(page);
    await page.evaluate(() => window.workers.at(-1).terminate());
    await page.focus("#text");
    await page.keyboard.press("Control+A");
    await page.keyboard.insertText("win 900 now");
    assert.equal(await page.getAttribute("#sheet", "aria-busy"), "true");
    await page.clock.fastForward(9_000);
    await settled(page);
    assert.equal(await page.evaluate(() => window.workers.length), 2);
    assert.match(await page.textContent("#truth"), /11 characters read/);
    assert.match(await prediction(page), /ham|spam/);
    await close();
  });

  test("while it is opening a file: the model before stays, and the page says so", async () => {
    const { page, close } = await openPage(browser, server.url, { before: watch });
    await typeText(page, "win 900 now");
    const shown = await cells(page);
    await page.evaluate(() => {
      const Watched = window.Worker;
      window.Worker = class extends Watched {
        constructor(...args) {
          super(...args);
          queueMicrotask(() => this.dispatchEvent(new ErrorEvent("error", { message: "killed by the test" })));
        }
      };
    });
    await drop(page, [{ name: "copy.safetensors", bytes: sampleBytes() }]);
    await page.waitForSelector(".notice");
    assert.match(await page.textContent(".notice"), /killed by the test/);
    await typeText(page, "win 900 now!");
    await typeText(page, "win 900 now");
    assert.deepEqual(await cells(page), shown);
    await close();
  });
});

test("without the sample model the page says so, and takes one that is dropped", async () => {
  const { page, close } = await openPage(browser, server.url, { ready: false, before: (own) => own.route("**/models/*", (route) => route.fulfill({ status: 404, body: "" })) });
  await page.waitForSelector(".notice");
  assert.match(await page.textContent(".notice"), /sample model could not be fetched.*404/s);
  await page.fill("#text", "win 900 now");
  await drop(page, [{ name: "copy.safetensors", bytes: sampleBytes() }]);
  await settled(page);
  assert.match(await prediction(page), /ham|spam/);
  await close();
});
