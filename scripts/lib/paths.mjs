/** The folders every script works with, all absolute; and what of the engine is in its own. */
import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url)).replace(/\/$/, "");
export const BUILD = join(ROOT, "build");
export const DIST = join(ROOT, "dist");
export const VENV = join(ROOT, ".venv");
/** Stamps and caches: may be deleted at any time, costs time only. */
export const CACHE = join(ROOT, ".cache");
export const WASM_BUILD = join(BUILD, "wasm");
/** The engines as they are linked, before they are split: see split.mjs. */
export const WHOLE_ENGINES = join(WASM_BUILD, "whole");
/** Models shipped with the page, as Keras wrote them: one folder each. */
export const MODELS = join(ROOT, "web", "models");
/** Where their bundles go, so that Vite copies them into the page. Not in git. */
export const PUBLIC_MODELS = join(ROOT, "web", "public", "models");
/** The list of the models: beside their folders written by hand, beside their bundles what the page is told of them. */
export const GALLERY = "gallery.json";
export const PUBLIC_GALLERY = join(PUBLIC_MODELS, GALLERY);
export const FIXTURES = join(ROOT, "tests", "fixtures");
/** Fixtures that the engine cannot run yet; the converter can. */
export const FIXTURES_NEXT = join(ROOT, "tests", "fixtures-next");
export const FIXTURE_BUNDLES = join(BUILD, "fixtures");
/** What the converter answered to files of all kinds. */
export const READER_CASES = join(BUILD, "reader");
/** JUnit reports of the last `npm test`. */
export const REPORTS = join(BUILD, "reports");

/** Names of the engines that have been built, such as "engine-scalar"; not their rests. @param {string} [folder] where they lie */
export function builtEngines(folder = WASM_BUILD) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((file) => /^engine[\w-]*\.wasm$/.test(file)).map((file) => basename(file, ".wasm")).sort();
}
