/**
 * Reads JUnit XML as GoogleTest, ctest, pytest, Vitest and node --test write it.
 *
 * Counts the <testcase> elements themselves: the totals that the surrounding elements claim differ from tool to tool, and
 * Node.js writes none at all.
 *
 * @typedef {object} Case
 * @property {string} name "suite › test"
 * @property {"passed" | "failed" | "skipped"} outcome
 */
import { UserError } from "./say.mjs";

/** A comment, a CDATA section, a declaration, or a tag with its attributes (whose values may contain ">"). */
const TOKEN = /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<[?!][^>]*>|<(\/?)([\w:.-]+)((?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>/g;

/** @type {Record<string, string>} */
const ENTITIES = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

/** @param {string} text */
const unescape = (text) =>
  text.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (all, decimal, hex, name) =>
    name ? (ENTITIES[name] ?? all) : String.fromCodePoint(decimal ? Number(decimal) : Number.parseInt(hex, 16)),
  );

/** @param {string} attributes @param {string} name @returns {string | undefined} */
function attribute(attributes, name) {
  const match = new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`).exec(attributes);
  return match ? unescape(match[1] ?? match[2] ?? "") : undefined;
}

/**
 * @param {string} xml
 * @param {string} [file] named in errors
 * @returns {Case[]}
 * @throws {UserError} where the report is cut off or is no JUnit report
 */
export function readJunit(xml, file = "report") {
  /** @type {Case[]} */
  const cases = [];
  /** @type {string[]} */
  const open = [];
  /** @type {Case | null} */
  let current = null;
  let root = "";
  for (const [, closing, tag = "", attributes = "", selfClosing] of xml.matchAll(TOKEN)) {
    if (!tag) continue;
    root ||= tag;
    if (closing) {
      const opened = open.pop();
      if (opened !== tag) throw new UserError(`${file}: expected </${opened}>, found </${tag}>.`);
      if (tag === "testcase") current = null;
      continue;
    }
    if (tag === "testcase") {
      // ctest marks what it did not run by the status alone.
      const off = /^(disabled|notrun)$/.test(attribute(attributes, "status") ?? "");
      const name = attribute(attributes, "name") ?? "";
      // ctest repeats the name here, and Node.js always says "test".
      const group = attribute(attributes, "classname") ?? "";
      current = { name: group && group !== name && group !== "test" ? `${group} › ${name}` : name, outcome: off ? "skipped" : "passed" };
      cases.push(current);
    } else if (current && (tag === "failure" || tag === "error")) {
      current.outcome = "failed";
    } else if (current && tag === "skipped" && current.outcome === "passed") {
      current.outcome = "skipped";
    }
    if (!selfClosing) open.push(tag);
    else if (tag === "testcase") current = null;
  }
  if (root !== "testsuites" && root !== "testsuite") throw new UserError(`${file}: expected a JUnit report, found ${root ? `<${root}>` : "no XML"}.`);
  if (open.length) throw new UserError(`${file}: expected </${open.at(-1)}>, found the end of the file.`);
  return cases;
}
