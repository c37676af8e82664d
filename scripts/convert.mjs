/**
 * npm run convert -- MODEL [options]: converts a Keras file with convert.py, then opens the result in the engine, so that
 * everything the engine cannot run is listed now and not when somebody drops the file on the page.
 */
import "./lib/node_version.mjs";
import { join } from "node:path";
import { buildEngine } from "./lib/build.mjs";
import { withOutput } from "./lib/convert_arguments.mjs";
import { PAGE_NEEDS } from "./lib/needs.mjs";
import { ROOT } from "./lib/paths.mjs";
import { run } from "./lib/run.mjs";
import { main } from "./lib/say.mjs";
import { setUp } from "./lib/setup.mjs";

await main(async () => {
  const { args, output } = withOutput(process.argv.slice(2));
  const machine = await setUp(PAGE_NEEDS);
  // npm changes into the project's folder; the user's file names start where the user is.
  const cwd = process.env.INIT_CWD ?? process.cwd();
  const conversion = await run(machine.paths.python ?? "python3", [join(ROOT, "scripts", "convert.py"), ...args], { cwd, show: true });
  if (conversion.code !== 0 || output === null) return conversion.code ?? 1;

  await buildEngine(machine);
  console.log(`\nThe engine on ${output}:\n`);
  const inspection = await run(process.execPath, [join(ROOT, "scripts", "charglow.mjs"), "inspect", output], { cwd, show: true });
  if (inspection.code !== 0) {
    console.error(`\n${output}: converted and written, but the engine cannot run it; the reasons are above (${inspection.how}).`);
    return 1;
  }
  return 0;
});
