/**
 * Starts the page: the engine, as far as the first sample model needs it, and that model; when there are colours, the rest of the engine.
 * Nothing is fetched after that, but the list of other samples and those one asks for, and the reader of Keras's files when somebody
 * drops one.
 */
import { App } from "./app.ts";
import { EngineClient } from "./engine/client.ts";
import { fetchEngine, spawnWorker } from "./engine/spawn.ts";
import { onFirstColour } from "./view/paint.ts";

async function start(): Promise<void> {
  document.getElementById("needs-server")?.remove();
  const app = new App();
  // A letter typed later must not ask for a file: all fonts now.
  for (const font of document.fonts) font.load().catch(() => undefined);
  // Engine and sample are fetched side by side, and each fails with its own message.
  void fetchEngine().then((engine) => {
    const client = new EngineClient({ spawn: spawnWorker, ...engine, ...app.engineEvents });
    app.useEngine(client);
    onFirstColour(() => void client.fetchRest());
    // Its worker starts while the model is still on its way.
    client.warm();
  }, (reason: unknown) => app.noEngine(reason));
  await app.openFirst();
}

void start();
