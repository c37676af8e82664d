/** onnxruntime-web's wasm backend, on one thread. It is handed ids, ready to use: turning text into them is not on its clock. */

/** The same settings wherever it runs. @param {any} ort */
export function configure(ort) {
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.proxy = false;
  ort.env.logLevel = "error";
}

/**
 * @param {any} ort @param {{onnx: Uint8Array, spec: any}} files
 * @param {number} [batch] texts it is given at once, where a step has more
 * @returns {Promise<import("./host.mjs").Runner>}
 */
export async function onnxRunner(ort, { onnx, spec }, batch = 1) {
  const session = await ort.InferenceSession.create(onnx, { executionProviders: ["wasm"], graphOptimizationLevel: "all" });
  /** @param {number[][]} rows */
  const tensor = (rows) =>
    spec.embedding
      ? new ort.Tensor("int32", Int32Array.from(rows.flat()), [rows.length, spec.steps])
      : new ort.Tensor("float32", Float32Array.from(rows.flat()), [rows.length, spec.steps, 1]);
  return {
    prepare: ({ rows }) => {
      const parts = [];
      for (let at = 0; at < rows.length; at += batch) parts.push({ text: tensor(rows.slice(at, at + batch)) });
      return parts;
    },
    run: async (parts) => {
      for (const feeds of parts) {
        const results = await session.run(feeds);
        results.prediction.data;
      }
    },
    outputs: async (parts) => {
      const results = await session.run(parts[0]);
      return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data]));
    },
    close: () => void session.release(),
  };
}
