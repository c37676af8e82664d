/**
 * TensorFlow.js. Its GRU layer refuses reset_after=true, so the recurrences are written with its operations, which takes fewer
 * of them than its layers do: the products with the input's kernel are one for all timesteps. `layersRunner` is the classic
 * model made of its layers, with reset_after=false, as its users get it. Ids are not on its clock.
 */

/** The arrays of weights.bin as tensors, by layer and name. @param {any} tf @param {ArrayBuffer} weights @param {any} spec */
function tensorsOf(tf, weights, spec) {
  /** @type {Record<string, Record<string, any>>} */
  const tensors = {};
  for (const [layer, arrays] of Object.entries(spec.weights)) {
    for (const [name, { offset, shape }] of Object.entries(/** @type {any} */ (arrays))) {
      const count = shape.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1);
      (tensors[layer] ??= {})[name] = tf.tensor(new Float32Array(weights, offset, count), shape);
    }
  }
  return tensors;
}

/**
 * The runner of a function from one input tensor to the named tensors of its results.
 * @param {any} tf @param {any} spec @param {number} batch @param {(input: any) => Record<string, any>} compute @param {() => void} close
 * @returns {import("./host.mjs").Runner}
 */
function runnerOf(tf, spec, batch, compute, close) {
  /** @param {any} input @returns {Record<string, Float32Array>} */
  const forward = (input) => {
    const results = tf.tidy(() => compute(input));
    return Object.fromEntries(
      Object.entries(results).map(([name, tensor]) => {
        const values = tensor.dataSync();
        tensor.dispose();
        return [name, values];
      }),
    );
  };
  return {
    prepare: ({ rows }) => {
      const parts = [];
      for (let at = 0; at < rows.length; at += batch) {
        const part = rows.slice(at, at + batch);
        const shape = [part.length, spec.steps, 1];
        parts.push(spec.embedding ? tf.tensor2d(part.flat(), shape.slice(0, 2), "int32") : tf.tensor3d(part.flat(), shape));
      }
      return parts;
    },
    run: (parts) => {
      for (const part of parts) forward(part);
    },
    outputs: (parts) => forward(parts[0]),
    close,
  };
}

/**
 * The classic model as tf.layers computes it.
 * @param {any} tf with its backend set @param {{weights: ArrayBuffer, spec: any}} files @param {number} [batch]
 */
export function layersRunner(tf, { weights, spec }, batch = 1) {
  if (spec.attention !== "classic" || spec.reset_after) throw new Error(`${spec.name}: expected the classic model with reset_after=false`);
  class Total extends tf.layers.Layer {
    static className = "Total";
    /** @param {any} inputShape */
    computeOutputShape([rows, , width]) {
      return [rows, width];
    }
    /** @param {any} inputs */
    call(inputs) {
      return tf.sum(Array.isArray(inputs) ? inputs[0] : inputs, 1);
    }
  }
  const w = /** @type {any} */ (tensorsOf(tf, weights, spec));
  const { layers } = tf;
  const layer = {
    embedding: layers.embedding({ inputDim: spec.tokens.length + 1, outputDim: spec.embedding, weights: [w.embedding.embeddings] }),
    states: layers.gru({
      units: spec.units, returnSequences: true, recurrentActivation: "sigmoid", resetAfter: false, implementation: 2,
      weights: [w.states.kernel, w.states.recurrent_kernel, w.states.bias],
    }),
    score: layers.dense({ units: 1, activation: "tanh", weights: [w.score.kernel, w.score.bias] }),
    prediction: layers.dense({ units: 1, activation: "sigmoid", weights: [w.prediction.kernel, w.prediction.bias] }),
  };
  const text = tf.input({ shape: [spec.steps], dtype: "int32" });
  const states = layer.states.apply(layer.embedding.apply(text));
  const attention = layers.activation({ activation: "softmax" }).apply(layers.flatten().apply(layer.score.apply(states)));
  const repeated = layers.permute({ dims: [2, 1] }).apply(layers.repeatVector({ n: spec.units }).apply(attention));
  const context = new /** @type {any} */ (Total)({}).apply(layers.multiply().apply([states, repeated]));
  const model = tf.model({ inputs: text, outputs: [layer.prediction.apply(context), attention] });
  const compute = (/** @type {any} */ input) => {
    const [prediction, weighed] = model.predictOnBatch(input);
    return { prediction, attention: weighed };
  };
  return runnerOf(tf, spec, batch, compute, () => model.dispose());
}

/**
 * Any of the models, of operations.
 * @param {any} tf with its backend set @param {{weights: ArrayBuffer, spec: any}} files
 * @param {number} [batch] texts it is given at once, where a step has more
 * @returns {import("./host.mjs").Runner}
 */
export function tfjsRunner(tf, { weights, spec }, batch = 1) {
  const w = tensorsOf(tf, weights, spec);
  const { steps, units } = spec;

  /** x (batch, steps, features) · kernel + bias, as (batch, steps, columns). @param {any} x @param {any} kernel @param {any} bias */
  const dense = (x, kernel, bias) => {
    const [rows, times, features] = x.shape;
    return x.reshape([rows * times, features]).matMul(kernel).add(bias).reshape([rows, times, kernel.shape[1]]);
  };

  /** All states (batch, steps, units), or the last. @param {any} x @param {boolean} last */
  const gru = (x, last) => {
    const { kernel, recurrent_kernel: recurrent, bias } = /** @type {any} */ (w.states);
    const [inputBias, stateBias] = tf.unstack(bias);
    const projected = tf.unstack(dense(x, kernel, inputBias), 1);
    let h = tf.zeros([x.shape[0], units]);
    const all = [];
    for (const input of projected) {
      const [xz, xr, xh] = tf.split(input, 3, 1);
      const [uz, ur, uh] = tf.split(h.matMul(recurrent).add(stateBias), 3, 1);
      const z = tf.sigmoid(xz.add(uz));
      const candidate = tf.tanh(xh.add(tf.sigmoid(xr.add(ur)).mul(uh)));
      h = candidate.add(z.mul(h.sub(candidate)));
      if (!last) all.push(h);
    }
    return last ? h : tf.stack(all, 1);
  };

  /** @param {any} x @param {any} weights @param {boolean} backward */
  const lstm = (x, { kernel, recurrent_kernel: recurrent, bias }, backward) => {
    const projected = tf.unstack(dense(x, kernel, bias), 1);
    if (backward) projected.reverse();
    let h = tf.zeros([x.shape[0], units]);
    let c = tf.zeros([x.shape[0], units]);
    const all = [];
    for (const input of projected) {
      const [i, f, g, o] = tf.split(input.add(h.matMul(recurrent)), 4, 1);
      c = tf.sigmoid(f).mul(c).add(tf.sigmoid(i).mul(tf.tanh(g)));
      h = tf.sigmoid(o).mul(tf.tanh(c));
      all.push(h);
    }
    if (backward) all.reverse();
    return tf.stack(all, 1);
  };

  /** @param {any} states @param {string} name (batch, heads, steps, key) */
  const heads = (states, name) => {
    const kernel = w.attention?.[`${name}_kernel`];
    const flat = dense(states, kernel.reshape([kernel.shape[0], -1]), w.attention?.[`${name}_bias`].reshape([-1]));
    return flat.reshape([states.shape[0], steps, spec.heads, spec.key]).transpose([0, 2, 1, 3]);
  };

  /** @param {any} states @returns {[any, any]} context (batch, width), attention */
  const attend = (states) => {
    const rows = states.shape[0];
    if (spec.attention === "multi_head") {
      const scores = tf.matMul(heads(states, "query").mul(1 / Math.sqrt(spec.key)), heads(states, "key"), false, true);
      const attention = tf.softmax(scores);
      const mixed = tf.matMul(attention, heads(states, "value")).transpose([0, 2, 1, 3]).reshape([rows, steps, spec.heads * spec.key]);
      const { output_kernel: kernel, output_bias: bias } = /** @type {any} */ (w.attention);
      return [dense(mixed, kernel.reshape([-1, kernel.shape[2]]), bias).mean(1), attention];
    }
    let hidden = states;
    if (spec.attention === "additive") hidden = tf.tanh(dense(states, w.hidden?.kernel, w.hidden?.bias));
    let score = dense(hidden, w.score?.kernel, w.score?.bias).reshape([rows, steps]);
    if (spec.attention === "classic") score = tf.tanh(score);
    const attention = tf.softmax(score);
    return [tf.matMul(attention.reshape([rows, 1, steps]), states).reshape([rows, states.shape[2]]), attention];
  };

  /** @param {any} input */
  const compute = (input) => {
    const x = spec.embedding ? tf.gather(w.embedding?.embeddings, input) : input;
    if (spec.attention === "none") return { prediction: gru(x, true) };
    const states =
      spec.cell === "gru" ? gru(x, false) : tf.concat([lstm(x, w.states_forward, false), lstm(x, w.states_backward, true)], 2);
    const [context, attention] = attend(states);
    return { prediction: tf.sigmoid(context.matMul(w.prediction?.kernel).add(w.prediction?.bias)), attention };
  };
  return runnerOf(tf, spec, batch, compute, () => {
    for (const arrays of Object.values(w)) for (const array of Object.values(arrays)) array.dispose();
  });
}
