/** This engine, in Node.js or in a browser's worker, through the interface the page uses. */

/**
 * @param {any} engine of wasm/host.mjs
 * @param {{bundle: Uint8Array, spec: any}} files
 * @returns {import("./host.mjs").Runner & {together: boolean}} together: several texts in one call, not one by one
 */
export function charglowRunner(engine, { bundle, spec }) {
  const model = engine.open(bundle, `${spec.name}.safetensors`);
  const session = model.newSession();
  const together = typeof session.setTexts === "function";
  /** @param {any} step */
  const run = (step) => {
    if (step.values) return session.setInput(step.values, [1, spec.steps, 1]);
    if (step.texts.length === 1) return session.setText(step.texts[0]);
    if (together) return session.setTexts(step.texts);
    let result;
    for (const text of step.texts) result = session.setText(text);
    return result;
  };
  return {
    together,
    prepare: (step) => (spec.embedding ? step : { values: Float32Array.from(/** @type {number[]} */ (step.rows[0])) }),
    run: (step) => void run(step),
    outputs: (step) => {
      if (step.texts?.length > 1) {
        const results = together ? [session.setTexts(step.texts)] : step.texts.map((/** @type {string} */ text) => session.setText(text));
        return { prediction: results.flatMap((/** @type {any} */ { outputs }) => Array.from(outputs[0].values)) };
      }
      const { outputs, signals } = run(step);
      return { prediction: outputs[0].values, ...(signals[0] ? { attention: signals[0].values } : {}) };
    },
    close: () => {
      session.delete();
      model.delete();
    },
  };
}
