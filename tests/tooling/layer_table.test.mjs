/** The README's table of layers, from a small registry and a few architectures. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { layersOf, layerTable, withTable } from "../../scripts/lib/layer_table.mjs";

const layer = (class_name, config = {}) => ({ class_name, config: { name: class_name.toLowerCase(), trainable: true, ...config } });
const model = (...layers) => ({ class_name: "Model", config: { name: "model", layers } });
const registry = (...layers) => ({ layers, isHarmless: (option) => ["name", "trainable", "seed"].includes(option) });
const lines = (fixtures, known, refused = []) => layerTable(fixtures, known, refused).split("\n");
const lineOf = (text, name) => text.find((line) => line.startsWith(`| \`${name}\` `));

test("layers are found in models, wrappers and cells, under registered names too; what is no layer is none", () => {
  const config = model(
    layer("text>AttLayer"),
    layer("TimeDistributed", { layer: model(layer("GRU", { bias_initializer: { class_name: "Zeros", config: {} } })) }),
    layer("RNN", { cell: { class_name: "LSTMCell", config: { name: "cell", trainable: true } } }),
    layer("Dense", { dtype: { class_name: "DTypePolicy", config: { name: "float32" } } }),
    { class_name: "Sum", config: { name: "sum", axis: 1 } },
    { class_name: "InputLayer", config: { name: "in" } },
  );
  config.compile_config = { optimizer: { class_name: "Adam", config: { name: "adam" } } };
  const found = layersOf(config).map(({ className, operation }) => `${className}${operation ? " (operation)" : ""}`);
  assert.deepEqual(found, ["AttLayer", "TimeDistributed", "GRU", "RNN", "LSTMCell", "Dense", "Sum (operation)", "InputLayer"]);
});

test("a row says which generations show a layer, and which of its options' values", () => {
  const fixtures = [
    { generation: "keras-2.2", config: model(layer("GRU", { activation: "tanh", reset_after: false, units: 3, axis: 1, seed: 1 })) },
    { generation: "keras-2.15", config: model(layer("GRU", { activation: "tanh", reset_after: true, units: 4, axis: 1, seed: 2 })) },
    { generation: "keras-2.15", config: model(layer("GRU", { activation: "relu", reset_after: false, units: 5, axis: 1, seed: 3 })) },
    { generation: "keras-2.2", config: model(layer("GRU", { activation: "tanh", reset_after: false, units: 5, axis: 2, seed: 4 })) },
  ];
  assert.equal(
    lineOf(lines(fixtures, registry("GRU")), "GRU"),
    "| `GRU` | `activation` relu (2.15), tanh · `axis` (2.2) · `reset_after` false, true (2.15) |  |  | ✓ |  |  | ✓ |  |",
  );
});

test("Keras 1's names count as today's", () => {
  const fixtures = [
    { generation: "keras-1.2", config: model(layer("Convolution1D", { border_mode: "same" }), layer("Convolution1D", { border_mode: "valid" })) },
  ];
  assert.match(lineOf(lines(fixtures, registry("Conv1D")), "Conv1D"), /^\| `Conv1D` \| `padding` same, valid \| ✓ \|/);
});

test("Keras 1's Merge counts as the layer of its mode, but for that which has none", () => {
  const fixtures = [{ generation: "keras-1.2", config: model(layer("Merge", { mode: "mul" }), layer("Merge", { mode: "cos" })) }];
  const text = lines(fixtures, registry("Multiply", "Merge"));
  assert.match(lineOf(text, "Multiply"), /✓/);
  assert.match(lineOf(text, "Merge"), /✓/);
});

test("custom layers, text layers and operations have tables of their own", () => {
  const config = model(
    layer("AttLayer"),
    layer("TextVectorization"),
    layer("TFOpLambda", { function: "math.reduce_sum" }),
    { class_name: "Sum", config: { name: "sum" } },
    layer("Dense"),
  );
  const text = lines([{ generation: "keras-2.15", config }], registry("Dense"));
  assert.ok(lineOf(text, "AttLayer") && lineOf(text, "TextVectorization") && lineOf(text, "Dense"));
  assert.ok(text.includes("| 2.15 | `math.reduce_sum`, `Sum` |"), text.join("\n"));
});

test("a layer of code has a row without being registered; a custom layer under Keras's name is not Keras's", () => {
  const config = model(layer("Lambda"), layer("Attention", { use_scale: true }), layer("Dense"));
  const own = model(layer("Attention", { step_dim: 7 }));
  const text = lines([{ generation: "keras-3", config }, { generation: "keras-2.2", config: own }], registry("Dense", "Attention"));
  assert.match(lineOf(text, "Lambda"), /✓ \|$/);
  const rows = text.filter((line) => line.startsWith("| `Attention` "));
  assert.deepEqual(rows, ["| `Attention` |  |  |  |  |  |  |  | ✓ |", "| `Attention` |  |  |  | ✓ |  |  |  |  |"]);
  assert.ok(text.indexOf(rows[1]) > text.indexOf("By their weights and options, whatever the class is called:"));
});

test("what is refused is told with its reason", () => {
  const refused = [{ layer: "GRU", option: "time_major", value: true, why: "never seen" }, { layer: "Conv2D", why: "no text" }];
  const text = lines([{ generation: "keras-3", config: model(layer("Dense")) }], registry("Dense"), refused);
  assert.ok(text.includes("| `GRU` | `time_major` true | never seen |"), text.join("\n"));
  assert.ok(text.includes("| `Conv2D` |  | no text |"));
});

test("a registered layer without a fixture, and an unknown generation, are errors", () => {
  const fixtures = [{ generation: "keras-3", config: model(layer("Dense")) }];
  assert.throws(() => layerTable(fixtures, registry("Dense", "GRU"), []), /found none with GRU/);
  assert.throws(() => layerTable([{ ...fixtures[0], generation: "keras-4" }], registry("Dense"), []), /found keras-4/);
});

test("the table goes between its lines, and only there", () => {
  const readme = "a\n<!-- made by `npm run table` -->\nold\n<!-- end of what `npm run table` makes -->\nb\n";
  const made = withTable(readme, "new");
  assert.equal(made, readme.replace("old", "new"));
  assert.equal(withTable(made, "new"), made);
  assert.throws(() => withTable("a", "new"), /expected the lines/);
});
