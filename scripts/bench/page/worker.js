/**
 * A contestant in a browser's worker: what runners/node.mjs is in Node.js. A classic worker, because the rivals' scripts for
 * browsers are classic ones; modules are imported when they are needed.
 */
const RIVALS = "/rivals/node_modules/";
const file = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer());
/** The engine asks for its rest in the middle of its work. */
const fileNow = (url) => {
  const request = new XMLHttpRequest();
  request.open("GET", url, false);
  request.responseType = "arraybuffer";
  request.send();
  return request.response;
};
const json = async (url) => (await fetch(url)).json();

/** What is loaded once in a worker's life, by name. */
const loaded = new Map();
function once(name, load) {
  if (!loaded.has(name)) loaded.set(name, load());
  return loaded.get(name);
}

async function tfjs(request, backend) {
  await once("tfjs", async () => {
    importScripts(`${RIVALS}@tensorflow/tfjs/dist/tf.min.js`);
    if (backend === "wasm") {
      importScripts(`${RIVALS}@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.min.js`);
      // Its threads would need SharedArrayBuffer, which a static host such as GitHub Pages does not allow.
      tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
      tf.wasm.setWasmPaths(`${RIVALS}@tensorflow/tfjs-backend-wasm/dist/`);
    }
    const set = await tf.setBackend(backend);
    await tf.ready();
    if (!set || tf.getBackend() !== backend) throw new Error(`tfjs: expected the backend ${backend}, found ${tf.getBackend()}`);
  });
  const { layersRunner, tfjsRunner } = await import("/runners/tfjs.mjs");
  const weights = request.files?.weights ?? (await file(`${request.folder}/weights.bin`)).buffer;
  return (request.layers ? layersRunner : tfjsRunner)(tf, { weights, spec: await json(`${request.folder}/spec.json`) }, request.batch);
}

const RUNTIMES = {
  async charglow(request) {
    const engine = await once("charglow", async () => {
      const [{ Engine }, { default: factory }] = await Promise.all([import("/wasm/host.mjs"), import("/engine/engine.mjs")]);
      return Engine.load(factory, request.files?.library ?? (await file("/engine/engine.wasm")), () => fileNow("/engine/engine.rest.wasm"));
    });
    const { charglowRunner } = await import("/runners/charglow.mjs");
    const bundle = request.files ? new Uint8Array(request.files.model) : await file(`${request.folder}/model.safetensors`);
    return charglowRunner(engine, { bundle, spec: await json(`${request.folder}/spec.json`) });
  },
  async onnxruntime(request) {
    const { configure, onnxRunner } = await import("/runners/onnxruntime.mjs");
    await once("onnxruntime", async () => {
      importScripts(`${RIVALS}onnxruntime-web/dist/ort.wasm.min.js`);
      ort.env.wasm.wasmPaths = `${RIVALS}onnxruntime-web/dist/`;
      if (request.files) ort.env.wasm.wasmBinary = request.files.library;
      configure(ort);
    });
    const onnx = request.files ? new Uint8Array(request.files.model) : await file(`${request.folder}/model.onnx`);
    return onnxRunner(ort, { onnx, spec: await json(`${request.folder}/spec.json`) }, request.batch);
  },
  "tfjs-wasm": (request) => tfjs(request, "wasm"),
  "tfjs-cpu": (request) => tfjs(request, "cpu"),
  async "simd-rate"(request) {
    const { simdRateRunner } = await import("/runners/simd_rate.mjs");
    return simdRateRunner(await file("/simd_rate.wasm"), await json(`${request.folder}/spec.json`));
  },
};

const host = once("host", async () => (await import("/runners/host.mjs")).makeHost((request) => RUNTIMES[request.runtime](request)));

addEventListener("message", async ({ data }) => {
  try {
    postMessage(await (await host)(data));
  } catch (error) {
    postMessage({ error: error.stack ?? String(error) });
  }
});
