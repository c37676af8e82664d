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
/** Axes of a signal, for people. */
const AXES = { head: "head", feature: "feature", unit: "unit", query: "querying step" };
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
    ["reads", `${text.unit === "char" ? "characters" : "words"}${text.lower ? `, lower-cased${text.lower === "ascii" ? " (A to Z)" : ""}` : ""}`],
    ["vocabulary", `${plural(text.tokens, "token")}, unknown ones ${unknown}`],
    ["length", `${length}; padding ${text.padding} with id ${text.pad}, truncating ${text.truncating}`],
  ];
  if (text.start !== null) rows.push(["begins with", `id ${text.start}`]);
  if (text.strip) rows.push(["leaves out", text.strip]);
  if (text.layer) rows.push(["as layer", text.layer]);
  if (text.one_hot) rows.push(["input", "one-hot rows"]);
  return table(rows) + (text.assumed.length > 0 ? bullets(text.assumed.map((sentence) => `assumed: ${sentence}`)) : "");
}

function attentionText(sites) {
  if (sites.length === 0) return "  none found: no softmax over timesteps weighs a sequence in this model\n";
  return sites
    .map((site) => {
      const length = site.shape.at(-1);
      const steps = length === null ? "as many steps as the input" : plural(length, site.steps ? "timestep" : "step");
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

/** What was assumed, and what else to say for it. */
function assumptionText(assumptions) {
  return bullets(
    assumptions.map(({ id, text, value, options, chosen, open }) => {
      if (!options.length && !open) return text;
      const others = options.filter((option) => option.value !== value).map((option) => `--assume ${id}=${option.value}`);
      if (open) others.push(`--assume ${id}=…`);
      const label = options.find((option) => option.value === value)?.label ?? value;
      return `${text} ${chosen ? "Chosen" : "Assumed"}: ${label}. Otherwise: ${others.join(" or ")}`;
    }),
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
    section("Assumed", assumptionText(card.assumptions)) +
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

/** The mean over all axes of a signal but the last: one number for each step. */
export function stepMeans(signal) {
  const steps = signal.shape.at(-1);
  const rows = signal.values.length / steps;
  return Array.from({ length: steps }, (_, step) => {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += signal.values[row * steps + step];
    return sum / rows;
  });
}

/** Each character of the text with the step that stands for its timestep; `map` is the signal's StepMap. */
function stepOf(timestep, map, steps) {
  const step = Math.floor((timestep - map.offset) / map.stride);
  return step >= 0 && step < steps && timestep < map.offset + step * map.stride + map.width ? step : -1;
}

/**
 * The steps of a signal that a table has lines for, each with what stands there for people: the characters of the text that the
 * steps stand for, or, where there is no text or no such map, all steps.
 * @returns {{steps: {label: string, id: string, step: number}[], whole: boolean}} whole: each step is a timestep
 */
function tableSteps(map, count, result, source) {
  const aligned = map?.input === result.input;
  const whole = aligned && map.stride === 1 && map.offset === 0 && map.width === 1;
  const steps = [];
  if (result.text && source !== undefined && aligned) {
    Array.from(source).forEach((character, index) => {
      const position = result.text.position[index];
      const step = position < 0 ? -1 : stepOf(position, map, count);
      if (step >= 0) steps.push({ label: JSON.stringify(character), id: `${result.text.id[index]}`, step });
    });
  } else {
    for (let step = 0; step < count; step++) steps.push({ label: "", id: whole ? `${result.ids[step] ?? ""}` : "", step });
  }
  return { steps, whole };
}

function signalText(signal, card, result, source) {
  const values = stepMeans(signal);
  const { steps, whole } = tableSteps(card.attention.find(({ id }) => id === signal.id)?.steps, values.length, result, source);
  const onPadding = values.reduce((sum, value, step) => sum + (result.padding[step] ? value : 0), 0);
  const rows = steps.map(({ label, id, step }) => [label, id, `${step}`, values[step].toFixed(6), (values[step] * values.length).toFixed(2)]);
  const head = ["", "id", whole ? "timestep" : "step", "attention", "x uniform"];
  const others = signal.axes.slice(0, -1).map((axis) => `the ${plural(signal.shape[signal.axes.indexOf(axis)], AXES[axis])}`);
  const mean = others.length ? `  the mean over ${others.join(" and ")}; --json has all numbers\n` : "";
  const padding = whole && result.padding.some((one) => one) ? `  on padding: ${(100 * onPadding).toFixed(1)} %\n` : "";
  return `  ${signal.id} [${signal.shape.join(", ")}]\n${mean}${padding}${table([head, ...rows], [1, 2, 3, 4])}`;
}

/** Gradients: a line for each position, with its measures and then a number for each feature of its vector. */
function gradientText({ output, index, gradients, signals }, card, result, source) {
  const blocks = gradients.map((gradient, place) => {
    const features = gradient.shape.at(-1);
    const [product, norm] = signals.slice(2 * place); // the two measures of each, in the card's order
    const { steps, whole } = tableSteps(card.gradients[2 * place].steps, gradient.values.length / features, result, source);
    const number = (value) => (value === 0 ? "0" : value.toPrecision(4));
    const rows = steps.map(({ label, id, step }) => [
      label, id, `${step}`, number(product.values[step]), number(norm.values[step]),
      ...Array.from(gradient.values.subarray(step * features, (step + 1) * features), number),
    ]);
    const head = ["", "id", whole ? "timestep" : "step", "x input", "norm", ...Array.from({ length: features }, (_, i) => `[${i}]`)];
    return `  with respect to ${gradient.layer} ${shapeText(gradient.shape)}\n${table([head, ...rows], head.map((_, column) => column).slice(1))}`;
  });
  return `  of ${output}, element (${index.join(", ")})\n${blocks.join("")}`;
}

/** `run`, for people. `source` is the text, where one was given. */
export function describeRun(result, card, source) {
  return (
    `Outputs\n${result.outputs.map((output) => outputText(output, card.labels)).join("")}` +
    section("Text", result.text ? fateText(result.text, result) : "") +
    section(
      "Signals",
      result.signals.map((signal) => signalText(signal, card, result, source)).join("") || "  none: no attention was found in this model\n",
    ) +
    section("Gradient", result.gradient ? gradientText(result.gradient, card, result, source) : "")
  );
}

/** The numbers of one text: of each output its row, in C order. */
function rowsOf(outputs, text) {
  return outputs.map(({ layer, shape, values }) => {
    const width = values.length / shape[0];
    return [layer, Array.from(values.subarray(text * width, (text + 1) * width))];
  });
}

/** `corpus`, for people and for spreadsheets: tab-separated, the outputs' numbers before the text. */
export function describeCorpus(outputs, texts) {
  const names = rowsOf(outputs, 0).flatMap(([layer, row]) => row.map((_, index) => (row.length === 1 ? layer : `${layer}[${index}]`)));
  const lines = texts.map((text, index) => [...rowsOf(outputs, index).flatMap(([, row]) => row.map((value) => value.toFixed(6))), text]);
  return [[...names, "text"], ...lines].map((cells) => `${cells.join("\t")}\n`).join("");
}

/** `corpus --json`: an object a line. */
export function corpusJson(outputs, texts) {
  return texts.map((text, index) => `${JSON.stringify({ text, outputs: Object.fromEntries(rowsOf(outputs, index)) })}\n`).join("");
}
