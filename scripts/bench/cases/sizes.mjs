/** Download sizes: of what a page has to fetch before it can run a model. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { DIST } from "../../lib/paths.mjs";
import { step } from "../../lib/say.mjs";
import { hashOf } from "../../lib/stamp.mjs";
import { BENCH, writeResult } from "../lib/environment.mjs";

/** @typedef {{raw: number, gzip: number, brotli: number}} Size */

/** Each with its files. */
function downloads() {
  const assets = join(DIST, "assets");
  const named = (/** @type {RegExp} */ pattern) => readdirSync(assets).filter((name) => pattern.test(name)).map((name) => join(assets, name));
  const rival = (/** @type {string} */ name) => join(BENCH, "node_modules", name);
  const tfjs = rival("@tensorflow/tfjs/dist/tf.min.js");
  return {
    "charglow: page": [join(DIST, "index.html"), ...named(/^index-.*\.(js|css)$/)],
    "charglow: engine": named(/^engine-(?!scalar|relaxed).*\.wasm$/),
    "charglow: rest of the engine, after the first colours": named(/^engine\.rest-.*\.wasm$/),
    "charglow: fonts for Latin text": named(/latin-wght-normal-.*\.woff2$/),
    "charglow: reader of Keras's files, when one is dropped": named(/^reader-.*\.js$/),
    "onnxruntime-web: wasm": ["ort.wasm.min.js", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"].map((name) => rival(`onnxruntime-web/dist/${name}`)),
    "tfjs: wasm": [tfjs, rival("@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.min.js"), rival("@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm")],
    "tfjs: cpu": [tfjs],
  };
}

/** @param {string} file @returns {Size} */
function sizeOf(file) {
  const bytes = readFileSync(file);
  const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } });
  return { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotli.length };
}

/** By what is downloaded, file by file added up. Compressing onnxruntime takes half a minute, so sizes are kept by content. @returns {Record<string, Size & {files: string[]}>} */
export function sizes() {
  step("Download sizes");
  const cacheFile = join(BENCH, "sizes.json");
  /** @type {Record<string, Size>} */
  const cache = existsSync(cacheFile) ? JSON.parse(readFileSync(cacheFile, "utf8")) : {};
  const result = Object.fromEntries(
    Object.entries(downloads()).map(([name, files]) => {
      if (!files.length) throw new Error(`${name}: expected files in dist/, found none`);
      const total = { raw: 0, gzip: 0, brotli: 0, files: files.map((file) => basename(file)) };
      for (const file of files) {
        const one = (cache[hashOf([file])] ??= sizeOf(file));
        total.raw += one.raw;
        total.gzip += one.gzip;
        total.brotli += one.brotli;
      }
      return [name, total];
    }),
  );
  writeResult("sizes.json", JSON.stringify(cache));
  return result;
}
