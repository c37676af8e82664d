/**
 * Stops with a plain message on a Node.js that is too old. Imported first by every command, and itself written in what
 * old versions can read, because an old Node.js would otherwise fail somewhere inside with a syntax error.
 */

/**
 * @param {string} found a version such as "20.19.0"
 * @param {string} required the oldest that will do
 * @returns {boolean} whether `found` is `required` or newer
 */
export function isAtLeast(found, required) {
  const a = found.split(".").map(Number);
  const b = required.split(".").map(Number);
  const differs = b.findIndex((number, i) => number !== (a[i] || 0));
  return differs < 0 || (a[differs] || 0) > (b[differs] || 0);
}

/** Oldest Node.js that Vite runs on; the same as `engines` in package.json. */
export const OLDEST_NODE = "20.19";

if (!isAtLeast(process.versions.node, OLDEST_NODE)) {
  console.error(
    `Node.js: expected ${OLDEST_NODE} or newer, found ${process.versions.node}. ` +
      "Install a current version from https://nodejs.org and run the command again.",
  );
  process.exit(1);
}
