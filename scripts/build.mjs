/** npm run build: sets up what is missing and makes dist/, a static site that works from any sub-path. */
import "./lib/node_version.mjs";
import { buildEngine, buildPage } from "./lib/build.mjs";
import { convertModels } from "./lib/models.mjs";
import { PAGE_NEEDS } from "./lib/needs.mjs";
import { main } from "./lib/say.mjs";
import { setUp } from "./lib/setup.mjs";

await main(async () => {
  const machine = await setUp(PAGE_NEEDS);
  await convertModels(machine);
  await buildEngine(machine);
  await buildPage();
});
