/**
 * A small model whose attention is known by formula, for the tests of the heat map: every character attends to every other
 * by the softmax of the dot products of their embeddings, built of Keras's own Dot and Softmax layers.
 */
import { write } from "./bundle.mjs";

export const LETTERS = "abcdefgh ";
const SIZE = 4;
export const CLASSES = ["one", "two", "three"];

/** Embedding of an id: no two alike, none of length 0. */
const embedding = (id) => Array.from({ length: SIZE }, (_, i) => Math.fround(Math.sin(1 + 3 * id + 5 * i) * 1.5));
const ROWS = Array.from({ length: LETTERS.length + 1 }, (_, id) => embedding(id));

/** The model, padded in front. @param {number} steps @param {Record<string, unknown>} [metadata] */
export function selfAttention(steps, metadata = {}) {
  const layer = (class_name, name, inputs, config = {}) => ({
    class_name, name, config: { name, trainable: true, dtype: "float32", ...config },
    inbound_nodes: inputs.length > 0 ? [inputs.map((input) => [input, 0, 0, {}])] : [],
  });
  const layers = [
    layer("InputLayer", "text", [], { batch_input_shape: [null, steps], sparse: false, ragged: false }),
    layer("Embedding", "letters", ["text"], { input_dim: ROWS.length, output_dim: SIZE, mask_zero: false, input_length: null }),
    layer("Dot", "scores", ["letters", "letters"], { axes: 2, normalize: false }),
    layer("Softmax", "attends", ["scores"], { axis: -1 }),
    layer("Dot", "context", ["attends", "letters"], { axes: [2, 1], normalize: false }),
    layer("GlobalAveragePooling1D", "mean", ["context"], { data_format: "channels_last", keepdims: false }),
    layer("Dense", "classes", ["mean"], { units: CLASSES.length, activation: "softmax", use_bias: false }),
  ];
  const kernel = Array.from({ length: SIZE * CLASSES.length }, (_, i) => Math.cos(2 * i));
  const tensors = {};
  const data = [];
  const put = (name, shape, values) => {
    const begin = Buffer.concat(data).length;
    data.push(Buffer.from(Float32Array.from(values).buffer));
    tensors[name] = { dtype: "F32", shape, data_offsets: [begin, begin + 4 * values.length] };
  };
  put("letters/embeddings:0", [ROWS.length, SIZE], ROWS.flat());
  put("classes/kernel:0", [SIZE, CLASSES.length], kernel);
  const weights = { letters: ["letters/embeddings:0"], classes: ["classes/kernel:0"] };
  const json = {
    source: { layout: "keras-hdf5", file: "self_attention.h5" },
    layers: layers.map(({ name }) => ({ name, weights: weights[name] ?? [] })),
    model_config: { class_name: "Functional", config: { name: "model", trainable: true, layers, input_layers: [["text", 0, 0]], output_layers: [["classes", 0, 0]] } },
    text: { unit: "char", vocabulary: Object.fromEntries(Array.from(LETTERS, (letter, i) => [letter, i + 1])), lower: false, pad: 0, padding: "pre", truncating: "pre" },
    labels: CLASSES,
    ...metadata,
  };
  return write({
    metadata: { format: "charglow/1", title: "Self attention", keras_version: "2.15.0", backend: "tensorflow", ...Object.fromEntries(Object.entries(json).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)])) },
    tensors,
    data: Buffer.concat(data),
  });
}

/** The attention of all steps on all steps, by the formula. */
export function attentionOf(text, steps) {
  const ids = Array.from({ length: steps }, (_, step) => (step < steps - text.length ? 0 : LETTERS.indexOf(text[step - steps + text.length]) + 1));
  return ids.map((query) => {
    const powers = ids.map((id) => Math.exp(ROWS[query].reduce((sum, value, i) => sum + value * ROWS[id][i], 0)));
    const sum = powers.reduce((total, power) => total + power, 0);
    return powers.map((power) => power / sum);
  });
}
