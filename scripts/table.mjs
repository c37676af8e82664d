/** npm run table: writes into README.md which layers and options run, from the engine's registry and the fixtures of real Keras. */
import "./lib/node_version.mjs";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildEngine } from "./lib/build.mjs";
import { loadEngine } from "./lib/engine.mjs";
import { convertFixtures } from "./lib/models.mjs";
import { PAGE_NEEDS } from "./lib/needs.mjs";
import { ROOT } from "./lib/paths.mjs";
import { readmeWithTable } from "./lib/readme_table.mjs";
import { done, main } from "./lib/say.mjs";
import { setUp } from "./lib/setup.mjs";

await main(async () => {
  const machine = await setUp(PAGE_NEEDS);
  await buildEngine(machine);
  await convertFixtures(machine);
  const file = join(ROOT, "README.md");
  const before = readFileSync(file, "utf8");
  const after = readmeWithTable(before, await loadEngine());
  if (after !== before) writeFileSync(file, after);
  done(after === before ? "README.md says already what runs" : "README.md says what runs");
});
