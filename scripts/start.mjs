/** npm start: sets up what is missing, converts the models of the gallery, builds the engine and the page, and serves the page. */
import "./lib/node_version.mjs";
import util from "node:util";
import { buildEngine, buildPage } from "./lib/build.mjs";
import { convertModels } from "./lib/models.mjs";
import { PAGE_NEEDS } from "./lib/needs.mjs";
import { main } from "./lib/say.mjs";
import { setUp } from "./lib/setup.mjs";
import { DEFAULT_PORT, parsePort, serve } from "./serve.mjs";

await main(async () => {
  const { values } = util.parseArgs({ options: { port: { type: "string" } } });
  const port = values.port === undefined ? DEFAULT_PORT : parsePort(values.port);
  const machine = await setUp(PAGE_NEEDS);
  await convertModels(machine);
  await buildEngine(machine);
  await buildPage();
  const { url } = await serve({ port });
  console.log(`\ncharglow is at\n\n  ${url}\n\nOpen it in a browser. Ctrl-C ends it.`);
});
