import util from "node:util";
import { UserError } from "./say.mjs";

/** convert.py's options that take a value, and those that do not. A test compares them with `convert.py --help`. */
export const WITH_VALUE = [
  ...["output", "format", "config", "vocab", "charset", "first-id", "unit", "oov", "start", "pad", "padding", "truncating", "length"],
  ...["labels", "title", "licence", "about", "parity", "assume", "lambda"],
];
export const WITHOUT_VALUE = ["help", "force", "quiet", "lower", "no-lower", "one-hot"];

/**
 * Makes the output's name explicit, so that the caller knows which file to open afterwards.
 * @param {string[]} args for convert.py
 * @returns {{args: string[], output: string | null}} output: null where there will be none, as with --help
 * @throws {UserError} where the arguments cannot be read
 */
export function withOutput(args) {
  const options = Object.fromEntries([
    ...WITH_VALUE.map((name) => [name, { type: /** @type {const} */ ("string"), ...(name === "output" ? { short: "o" } : {}) }]),
    ...WITHOUT_VALUE.map((name) => [name, { type: /** @type {const} */ ("boolean"), ...(name === "help" ? { short: "h" } : {}) }]),
  ]);
  /** @type {{values: Record<string, unknown>, positionals: string[]}} */
  let parsed;
  try {
    parsed = util.parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new UserError(`npm run convert: ${error instanceof Error ? error.message : error}`);
  }
  const { values, positionals } = parsed;
  if (values.help) return { args, output: null };
  const [source] = positionals;
  if (source === undefined || positionals.length !== 1) {
    throw new UserError(
      `npm run convert: expected -- MODEL [options], found ${positionals.length} file names. \`npm run convert -- --help\` lists the options.`,
    );
  }
  if (typeof values.output === "string") return { args, output: values.output };
  const output = `${source.replace(/(?<=[^/])\.[^./]*$/, "")}.${values.format === "json" ? "json" : "safetensors"}`;
  return { args: [...args, "--output", output], output };
}
