/** Starts the page: the engine and a sample model are fetched once, and nothing after them but other samples, where one asks for them. */
import { App } from "./app.ts";
import { EngineClient } from "./engine/client.ts";
import { fetchWasm, spawnWorker } from "./engine/spawn.ts";

async function start(): Promise<void> {
  document.getElementById("needs-server")?.remove();
  const app = new App();
  // A letter typed later must not ask for a file: all fonts now.
  for (const font of document.fonts) font.load().catch(() => undefined);
  // Engine and sample are fetched side by side, and each fails with its own message.
  void fetchWasm().then((wasm) => {
    const client = new EngineClient({ spawn: spawnWorker, wasm, ...app.engineEvents });
    app.useEngine(client);
    // Its worker starts while the model is still on its way.
    client.warm();
  }, (reason: unknown) => app.noEngine(reason));
  await app.openFirst();
}

void start();
