/**
 * "Is it up to date?", decided by content and not by file times: a fresh clone and a changed branch have arbitrary times.
 * A stamp is a file in .cache/stamps that holds the hash of the inputs a result was made from.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { CACHE, ROOT } from "./paths.mjs";

/**
 * All files below a folder, in a stable order; the file itself where `path` is one; nothing where it does not exist.
 * @param {string} path @param {(path: string) => boolean} [keep] leaves out files and whole folders it refuses
 * @returns {string[]}
 */
export function filesBelow(path, keep = () => true) {
  if (!existsSync(path) || !keep(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesBelow(join(path, name), keep));
}

/**
 * @param {string[]} files hashed with their names, so that renaming counts as a change
 * @param {unknown} [settings] anything else the result depends on
 * @returns {string} 64 hex digits
 */
export function hashOf(files, settings = null) {
  const hash = createHash("sha256").update(JSON.stringify(settings));
  for (const file of files) {
    const bytes = readFileSync(file);
    hash.update(`\0${relative(ROOT, file)}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}

/** @param {string} name */
const stampFile = (name) => join(CACHE, "stamps", name);

/** Whether `name` was last made from inputs of this hash and every output is still there. @param {string} name @param {string} hash @param {string[]} outputs */
export function isFresh(name, hash, outputs) {
  return (
    existsSync(stampFile(name)) && readFileSync(stampFile(name), "utf8") === hash && outputs.every((file) => existsSync(file))
  );
}

/**
 * Runs `make` unless its result is up to date. The stamp is removed first, so that an interrupted run is not taken for a
 * finished one.
 * @param {string} name @param {string} hash @param {string[]} outputs @param {() => Promise<unknown>} make
 * @returns {Promise<boolean>} whether it had to be made
 */
export async function unlessFresh(name, hash, outputs, make) {
  if (isFresh(name, hash, outputs)) return false;
  rmSync(stampFile(name), { force: true });
  await make();
  mkdirSync(dirname(stampFile(name)), { recursive: true });
  writeFileSync(stampFile(name), hash);
  return true;
}
