// What the command line says about a model and a run: objects for programs, text for people.

import { Fate } from "../../wasm/host.mjs";

/** Everything `inspect` tells: the model's card, and how far the engine is from Keras on this machine. */
export function inspection(model) {
  return { card: model.card, parity: model.verify() };
}

/** A run as plain JSON: typed arrays become arrays, and every signal keeps its shape. */
export function runNumbers(result) {
  return JSON.parse(JSON.stringify(result, (_, value) => (ArrayBuffer.isView(value) ? Array.from(value) : value)));
}

/** Rows of cells as lines with aligned columns; columns in `right` are aligned to the right. */
function table(rows, right = []) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const pad = (cell, column) => (right.includes(column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column]));
  return rows.map((row) => `  ${row.map(pad).join("  ").trimEnd()}\n`).join("");
}

const count = (number) => number.toLocaleString("en-US");
const plural = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;
const shapeText = (shape) => `(${shape.map((size) => size ?? "None").join(", ")})`;
const section = (title, body) => (body ? `\n${title}\n${body}` : "");
const bullets = (sentences) => sentences.map((sentence) => `  - ${sentence}\n`).join("");
/** Three digits: enough to compare by eye, the exact number is in --json. */
const small = (number) => (number === 0 ? "0" : number.toExponential(1));

function encodingText(text) {
  if (text === null) return "  none: text cannot be read until --vocab gives a vocabulary; --ids works\n";
  const unknown = text.oov === null ? "dropped" : `read as id ${text.oov}`;
  const length = text.length === null ? "as long as the text" : plural(text.length, "timestep");
  const rows = [
    ["reads", `${text.unit === "char" ? "characters" : "words"}${text.lower ? ", lower-cased" : ""}`],
    ["vocabulary", `${plural(text.tokens, "token")}, unknown ones ${unknown}`],
    ["length", `${length}; padding ${text.padding} with id ${text.pad}, truncating ${text.truncating}`],
  ];
  if (text.one_hot) rows.push(["input", "one-hot rows"]);
  return table(rows) + (text.assumed.length > 0 ? bullets(text.assumed.map((sentence) => `assumed: ${sentence}`)) : "");
}

function attentionText(sites) {
  if (sites.length === 0) return "  none found: no softmax over timesteps weighs a sequence in this model\n";
  return sites
    .map((site) => {
      const steps = site.steps === null ? "any number of timesteps" : plural(site.steps, "timestep");
      const degenerate = site.degenerate ? "    degenerate: 1 everywhere, so it says nothing about the text\n" : "";
      return `  ${site.id}: ${steps}; ${site.why}\n${degenerate}`;
    })
    .join("");
}

function parityText(parity) {
  if (parity === null) return "  the file carries no numbers of Keras to compare with\n";
  const cases = parity.cases
    .filter((one) => !one.agrees)
    .map((one) => {
      const why =
        one.problem ||
        (one.ids_agree
          ? `outputs off by ${small(one.output_difference)}, attention by ${small(one.attention_difference)}`
          : "the text's ids differ from Keras's");
      return `  DISAGREES: ${one.name}: ${why}\n`;
    })
    .join("");
  const verdict = parity.agrees ? "agrees" : "does NOT agree";
  return (
    `  ${verdict} with ${parity.made_with} in ${plural(parity.cases.length, "case")}: ` +
    `outputs to ${small(parity.output_difference)}, attention to ${small(parity.attention_difference)}\n${cases}`
  );
}

/** `inspect`, for people. */
export function describeModel({ card, parity }) {
  const layers = [
    ["layer", "class", "shape", "weights", ""],
    ...card.layers.map((layer) => [
      layer.name,
      layer.class_name,
      shapeText(layer.shape),
      layer.parameters ? count(layer.parameters) : "",
      layer.detail,
    ]),
  ];
  const version = card.keras_version ? `Keras ${card.keras_version}` : "Keras version not stated";
  return (
    `${card.title}\n` +
    `  ${card.source.file} (${card.source.layout}), ${version}, ${plural(card.parameters, "parameter")}, ${count(card.bytes)} bytes\n` +
    section("Layers", table(layers, [3])) +
    section("Attention", attentionText(card.attention)) +
    section("Text", encodingText(card.text)) +
    section("Assumed", bullets(card.assumptions)) +
    section("Worth knowing", bullets(card.notes)) +
    section("Parity", parityText(parity))
  );
}

function outputText(output, labels) {
  const values = Array.from(output.values);
  const name = (index) => labels[index] ?? `${index}`;
  // One sigmoid unit tells two classes apart.
  const rows =
    values.length === 1 && labels.length === 2
      ? [
          [name(1), values[0].toFixed(6)],
          [name(0), (1 - values[0]).toFixed(6)],
        ]
      : values.map((value, index) => [labels.length === values.length ? name(index) : `[${index}]`, value.toFixed(6)]);
  return `  ${output.layer} ${shapeText(output.shape)}\n${table(
    rows.map((row) => ["", ...row]),
    [2],
  )}`;
}

/** What became of the text, in one line for each fate that occurred. */
function fateText(text, result) {
  const of = (fate) => text.fate.reduce((sum, one) => sum + (one === fate ? 1 : 0), 0);
  const rows = [
    ["read", of(Fate.Read)],
    ["unknown, read as the out-of-vocabulary id", of(Fate.UnknownRead)],
    ["unknown, dropped", of(Fate.UnknownDropped)],
    ["too rare for num_words, dropped", of(Fate.RareDropped)],
    ["filtered or between words", of(Fate.Filtered)],
    ["cut off", of(Fate.Truncated)],
  ].filter(([name, number]) => number > 0 || name === "read");
  rows.push(["timesteps of padding", result.padding.reduce((sum, one) => sum + one, 0)]);
  return table(
    rows.map(([name, number]) => [count(number), name]),
    [0],
  );
}

function signalText(signal, result, source) {
  const values = Array.from(signal.values);
  const onPadding = values.reduce((sum, value, step) => sum + (result.padding[step] ? value : 0), 0);
  const rows = [];
  if (result.text && source !== undefined) {
    Array.from(source).forEach((character, index) => {
      const step = result.text.position[index];
      if (step >= 0)
        rows.push([
          JSON.stringify(character),
          `${result.text.id[index]}`,
          `${step}`,
          values[step].toFixed(6),
          (values[step] * values.length).toFixed(2),
        ]);
    });
  } else {
    values.forEach((value, step) =>
      rows.push(["", `${result.ids[step] ?? ""}`, `${step}`, value.toFixed(6), (value * values.length).toFixed(2)]),
    );
  }
  const head = ["", "id", "timestep", "attention", "x uniform"];
  const padding = result.padding.some((one) => one) ? `  on padding: ${(100 * onPadding).toFixed(1)} %\n` : "";
  return `  ${signal.id} [${signal.shape.join(", ")}]\n${padding}${table([head, ...rows], [1, 2, 3, 4])}`;
}

/** `run`, for people. `source` is the text, where one was given. */
export function describeRun(result, card, source) {
  return (
    `Outputs\n${result.outputs.map((output) => outputText(output, card.labels)).join("")}` +
    section("Text", result.text ? fateText(result.text, result) : "") +
    section(
      "Signals",
      result.signals.map((signal) => signalText(signal, result, source)).join("") || "  none: no attention was found in this model\n",
    )
  );
}
