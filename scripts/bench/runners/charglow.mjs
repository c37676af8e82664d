/** This engine, in Node.js or in a browser's worker, through the interface the page uses. */

/**
 * @param {any} engine of wasm/host.mjs
 * @param {{bundle: Uint8Array, spec: any}} files
 * @returns {import("./host.mjs").Runner}
 */
export function charglowRunner(engine, { bundle, spec }) {
  const model = engine.open(bundle, `${spec.name}.safetensors`);
  const session = model.newSession();
  /** @param {any} step */
  const run = (step) => {
    if (step.values) return session.setInput(step.values, [1, spec.steps, 1]);
    if (step.texts.length === 1) return session.setText(step.texts[0]);
    return { outputs: model.runTexts(step.texts), signals: [] };
  };
  return {
    prepare: (step) => (spec.embedding ? step : { values: Float32Array.from(/** @type {number[]} */ (step.rows[0])) }),
    run: (step) => void run(step),
    outputs: (step) => {
      const { outputs, signals } = run(step);
      return { prediction: outputs[0].values, ...(signals[0] ? { attention: signals[0].values } : {}) };
    },
    close: () => {
      session.delete();
      model.delete();
    },
  };
}
