/** What a visitor's browser fetches before there are colours: the page and the engine's first part stay within a budget. Needs dist/ and no browser. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { ROOT } from "../support/browser.mjs";

/**
 * Bytes, as a server sends them: gzip at its usual level. Without model, fonts, the rest of the engine, which is fetched when there are
 * colours, and the reader of Keras's files, which only a dropped file needs.
 */
const BUDGET = 312_000;

const DIST = join(ROOT, "dist");
const files = readdirSync(DIST, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(DIST, join(entry.parentPath ?? entry.path, entry.name)));
/** Bytes of a file as they are sent; fonts are compressed already. */
const sent = (file) => (file.endsWith(".woff2") ? readFileSync(join(DIST, file)).length : gzipSync(readFileSync(join(DIST, file))).length);

/** What each file is for. Whatever is new and not named here counts as the page's. */
function partOf(file) {
  if (file.startsWith("models/")) return "model";
  if (/^assets\/reader-[^/]*\.js$/.test(file)) return "reader";
  if (file.endsWith(".woff2")) return "font";
  if (/\.rest-[\w-]{8}\.wasm$/.test(file)) return "rest";
  return file.endsWith(".wasm") ? "engine" : "page";
}

const of = (part) => files.filter((file) => partOf(file) === part).map((file) => ({ file, bytes: sent(file) }));
const sum = (all) => all.reduce((total, { bytes }) => total + bytes, 0);
const told = (all) => all.map(({ file, bytes }) => `${file} ${bytes}`).join(", ");

test(`page and engine together, as far as the first colours need them, are at most ${BUDGET} bytes, gzipped`, (t) => {
  const [page, engines, fonts] = [of("page"), of("engine"), of("font")];
  for (const end of [".html", ".js", ".css"]) assert.ok(page.some(({ file }) => file.endsWith(end)), `the page: expected a file ${end}, found ${told(page)}`);
  for (const name of ["engine", "engine-scalar"]) assert.ok(engines.some(({ file }) => new RegExp(`/${name}-[\\w-]{8}\\.wasm$`).test(file)), `expected ${name}, found ${told(engines)}`);
  // Of the engines a browser fetches one: the largest counts.
  const engine = Math.max(...engines.map(({ bytes }) => bytes));
  const rests = of("rest");
  assert.equal(rests.length, engines.length, `expected a rest for each engine, found ${told(rests)}`);
  t.diagnostic(`page ${sum(page)} (${told(page)}); engine ${engine} (${told(engines)}); its rest, when there are colours, ${Math.max(...rests.map(({ bytes }) => bytes))} (${told(rests)}); fonts, which text does not wait for, ${sum(fonts)}`);
  assert.ok(sum(page) + engine <= BUDGET, `expected at most ${BUDGET} bytes, found ${sum(page) + engine}: page ${told(page)}; engine ${told(engines)}`);
});

test("what is left out of the budget is fetched later or not at all: the start page does not name it", () => {
  const html = readFileSync(join(DIST, "index.html"), "utf8");
  assert.equal(of("reader").length, 1);
  for (const { file } of [...of("reader"), ...of("rest"), ...of("model")]) assert.ok(!html.includes(file.split("/").at(-1)), `index.html names ${file}`);
});
