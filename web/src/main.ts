/** Starts the page: the engine and the sample model are fetched once, and nothing after them. */
import { App } from "./app.ts";
import { EngineClient } from "./engine/client.ts";
import { fetchFile, fetchWasm, spawnWorker } from "./engine/spawn.ts";

const SAMPLE = "models/sms-spam.safetensors";

async function start(): Promise<void> {
  document.getElementById("needs-server")?.remove();
  const app = new App();
  // A letter typed later must not ask for a file: all fonts now.
  for (const font of document.fonts) font.load().catch(() => undefined);
  // One after the other fails with its own message; they are fetched side by side.
  const [wasm, sample] = await Promise.allSettled([fetchWasm(), fetchFile(`./${SAMPLE}`)]);
  if (wasm.status === "rejected") {
    app.failToStart("The engine could not be fetched", wasm.reason);
    return;
  }
  app.useEngine(new EngineClient({ spawn: spawnWorker, wasm: wasm.value, ...app.engineEvents }));
  if (sample.status === "fulfilled") await app.openSample({ bytes: sample.value, fileName: SAMPLE.split("/").at(-1)! });
  else app.failToStart("The sample model could not be fetched", sample.reason);
}

void start();
