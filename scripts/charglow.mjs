#!/usr/bin/env node
// The command line: the engine that the page runs, under Node.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { EngineError } from "../wasm/host.mjs";
import { openChosen, runCorpus } from "./lib/corpus.mjs";
import { loadEngine } from "./lib/engine.mjs";
import { corpusJson, describeCorpus, describeModel, describeRun, inspection, runNumbers } from "./lib/report.mjs";

const USAGE = `charglow: a Keras text model's attention, character by character

  node scripts/charglow.mjs inspect MODEL [--json]
      layers with shapes, where the attention is, how text becomes ids, what was
      assumed, and how far this engine is from Keras's own numbers

  node scripts/charglow.mjs run MODEL --text "…"        a text, encoded as Keras does
                                    --ids 3,17,4        ids, as they are
                                    --input array.json  numbers: [[…], …], batch axis first
                            [--gradient OUTPUT[:INDEX]] [--vocab FILE] [--json]
      the model's outputs by layer name, and every signal; with --gradient also
      d(output)/d(embedded input), a line for each position, a number for each feature

  node scripts/charglow.mjs corpus MODEL TEXTS [--threads N] [--vocab FILE] [--json]
      the outputs for every line of a text file, a line each, in its order

  node scripts/charglow.mjs layers [--json]
      the classes of layers that the engine runs

MODEL is a bundle: what "python scripts/convert.py weights.hdf5" writes.
--vocab FILE         a Tokenizer's to_json(), or a {token: id} JSON, in place of the
                     model's own
--assume ID=VALUE    overrides what was assumed where the file is silent; inspect lists
                     the ids (may be repeated)
--lambda NAME=CODE   what a Lambda layer computes that was not recognised, such as
                     --lambda pool="sum(axis=1)" (may be repeated)
--gradient           of which output, by its layer's name, and of which of its elements:
                     dense, dense:2, or steps:3,0 for element (3, 0) of each text's; the
                     largest where no INDEX is given
--threads N          threads that share the texts; otherwise as many as pay
--json               numbers for programs instead of a table for people
`;

/** Wrong use of the command line, told with the usage and exit code 2. */
class UsageError extends Error {}

function parse(args) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      text: { type: "string" },
      ids: { type: "string" },
      input: { type: "string" },
      vocab: { type: "string" },
      gradient: { type: "string" },
      threads: { type: "string" },
      assume: { type: "string", multiple: true, default: [] },
      lambda: { type: "string", multiple: true, default: [] },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const [command, file, ...rest] = positionals;
  if (values.help) return { help: true };
  if (!["inspect", "run", "corpus", "layers"].includes(command)) {
    throw new UsageError(`expected inspect, run, corpus or layers, found ${command ?? "nothing"}`);
  }
  if (command === "layers") {
    if (file) throw new UsageError(`layers takes no MODEL, found ${file}`);
    return { command, json: values.json };
  }
  if (!file) throw new UsageError("expected a MODEL, found nothing");
  const texts = command === "corpus" ? rest.shift() : undefined;
  if (command === "corpus" && !texts) throw new UsageError("corpus: expected a file of TEXTS, one a line, found nothing");
  if (rest.length > 0) throw new UsageError(`expected one MODEL${texts ? " and one file of TEXTS" : ""}, found also ${rest.join(" ")}`);
  const inputs = ["text", "ids", "input"].filter((name) => values[name] !== undefined);
  if (command === "run" && inputs.length !== 1) {
    throw new UsageError(
      `run: expected one of --text, --ids and --input, found ${inputs.map((name) => `--${name}`).join(" and ") || "none"}`,
    );
  }
  if (command !== "run" && inputs.length > 0) throw new UsageError(`${command} takes no --${inputs[0]}`);
  if (command !== "run" && values.gradient !== undefined) throw new UsageError(`${command} takes no --gradient`);
  if (command !== "corpus" && values.threads !== undefined) throw new UsageError(`${command} takes no --threads`);
  if (values.threads !== undefined && !/^[1-9]\d{0,2}$/.test(values.threads)) {
    throw new UsageError(`--threads: expected a number from 1 to 999, found "${values.threads}"`);
  }
  return { command, file, texts, ...values, choices: { ...parsePairs("assume", values.assume, ""), ...parsePairs("lambda", values.lambda, "lambda:") } };
}

/** ["id=value", …] → {prefix + id: value}. */
function parsePairs(option, pairs, prefix) {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      if (at < 1) throw new UsageError(`--${option}: expected ${option === "lambda" ? "NAME=CODE" : "ID=VALUE"}, found "${pair}"`);
      return [prefix + pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** "3,17,4" → [3, 17, 4]. */
function parseIds(list) {
  return list.split(",").map((item) => {
    if (!/^\s*\d+\s*$/.test(item)) throw new UsageError(`--ids: expected whole numbers separated by commas, found "${item}"`);
    return Number(item);
  });
}

/** "dense", "dense:2" or "steps:3,0" → an OutputElement. A name may have a colon of its own: "lstm:1" is the layer's second tensor. */
function parseElement(text, { outputs }) {
  const names = outputs.map(({ layer }) => layer);
  const at = text.lastIndexOf(":");
  const [name, index] = names.includes(text) || at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
  if (!names.includes(name)) throw new UsageError(`--gradient: expected one of the model's outputs (${names.join(", ")}), found "${name}"`);
  if (index !== null && !/^\d+(,\d+)*$/.test(index)) {
    throw new UsageError(`--gradient: expected whole numbers separated by commas behind "${name}:", found "${index}"`);
  }
  return { output: names.indexOf(name), index: index === null ? null : index.split(",").map(Number) };
}

/** What `--gradient` adds to a run: the gradients of an element of the outputs, and the signals made of them. */
function gradientOf(session, card, text) {
  const element = parseElement(text, card);
  const gradient = session.gradient(element);
  return { ...gradient, signals: card.gradients.map(({ id }) => session.signal(id, { ...element, index: gradient.index })) };
}

/** Nested arrays → numbers in C order and their shape. A missing batch axis is the caller's mistake to see. */
function parseArray(file) {
  const nested = JSON.parse(readFileSync(file, "utf8"));
  const shape = [];
  for (let level = nested; Array.isArray(level); level = level[0]) shape.push(level.length);
  const values = [];
  const flatten = (level, depth) => {
    if (!Array.isArray(level)) {
      if (depth !== shape.length || typeof level !== "number")
        throw new UsageError(`${file}: expected nested arrays of numbers, found ${JSON.stringify(level)}`);
      values.push(level);
      return;
    }
    if (level.length !== shape[depth])
      throw new UsageError(`${file}: expected rows of equal length, found ${level.length} beside ${shape[depth]}`);
    for (const item of level) flatten(item, depth + 1);
  };
  flatten(nested, 0);
  return { values, shape };
}

function runSession(session, options) {
  if (options.text !== undefined) return session.setText(options.text);
  if (options.ids !== undefined) return session.setIds(parseIds(options.ids));
  const { values, shape } = parseArray(options.input);
  return session.setInput(values, shape);
}

/** The lines of a text file. A line's end is no part of it, and one at the end of the file begins no line. */
function linesOf(file) {
  const lines = readFileSync(file, "utf8").split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  if (lines.length === 0) throw new UsageError(`${file}: expected texts, one a line, found none`);
  return lines;
}

/** The model that was named, and what was said about it, as corpus.mjs takes it. */
function sourceOf({ file, choices, vocab }) {
  return { file, choices, vocabulary: vocab ? { json: readFileSync(vocab, "utf8"), fileName: vocab } : null };
}

async function corpus(options) {
  const texts = linesOf(options.texts);
  const outputs = await runCorpus(sourceOf(options), texts, options.threads && Number(options.threads));
  process.stdout.write(options.json ? corpusJson(outputs, texts) : describeCorpus(outputs, texts));
  return 0;
}

/** What the operating system says of a file, in the words of the other messages; null for other errors. */
function fileTrouble(error) {
  const found = { ENOENT: "no such file", EISDIR: "a folder", EACCES: "one that may not be read" }[error.code];
  return found && `${error.path ?? "the file"}: expected a file, found ${found}.`;
}

async function main(args) {
  const options = parse(args);
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (options.command === "layers") {
    const classes = (await loadEngine()).layers();
    process.stdout.write(options.json ? `${JSON.stringify(classes, null, 1)}\n` : `${classes.join("\n")}\n`);
    return 0;
  }
  if (options.command === "corpus") return corpus(options);
  const model = await openChosen(sourceOf(options));
  if (options.command === "inspect") {
    const report = inspection(model);
    process.stdout.write(options.json ? `${JSON.stringify(report, null, 1)}\n` : describeModel(report));
    return report.parity && !report.parity.agrees ? 1 : 0;
  }
  const session = model.newSession();
  const result = runSession(session, options);
  if (options.gradient !== undefined) result.gradient = gradientOf(session, model.card, options.gradient);
  process.stdout.write(options.json ? `${JSON.stringify(runNumbers(result))}\n` : describeRun(result, model.card, options.text));
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError || error.code?.startsWith?.("ERR_PARSE_ARGS")) {
    process.stderr.write(`charglow: ${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
  } else {
    // What the engine refuses is the user's to mend and needs no stack; anything else is ours.
    const expected = error instanceof EngineError || error instanceof SyntaxError || typeof error.code === "string";
    process.stderr.write(`error: ${fileTrouble(error) ?? (expected ? error.message : (error.stack ?? error))}\n`);
    process.exitCode = 1;
  }
}
