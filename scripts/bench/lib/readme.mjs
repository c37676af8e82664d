/** `--keep`: the README's part with numbers, and all tables and the picture beside the benchmark, from a run's results. */
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../lib/paths.mjs";
import { done, UserError } from "../../lib/say.mjs";
import { HERE } from "./environment.mjs";
import { tables } from "./report.mjs";
import { markdownTable } from "./table.mjs";

const BEGIN = "<!-- made by `npm run bench -- --keep` -->";
const END = "<!-- end of what it made -->";

/** What the numbers were measured on, in a sentence. @param {any} machine */
const measuredOn = ({ cpu, cores, memory, versions }) =>
  `Measured on ${cpu}, ${cores} cores, ${memory}, with ${versions.join(", ")}. Medians, with the quartiles in brackets.`;

/** @param {import("./report.mjs").Table} table */
const markdown = ({ title, rows, notes }) => [`**${title}**`, markdownTable(rows), ...(notes.length ? [notes.join("  \n")] : [])].join("\n\n");

/** All tables, for scripts/bench/RESULTS.md. @param {any} results */
export function document(results) {
  const picture = results.growth ? ["![Time of a full forward against timesteps and units](growth.svg)"] : [];
  return `${["# What `npm run bench` measured", measuredOn(results.machine), ...tables(results).map(markdown), ...picture].join("\n\n")}\n`;
}

/** The README's part: full forwards, the aims, the picture. @param {any} results */
export function section(results) {
  const all = tables(results);
  const chosen = all.filter(({ title }) => /^(Full forward|Aims)/.test(title));
  const picture = results.growth ? ["![Time of a full forward against timesteps and units](scripts/bench/growth.svg)"] : [];
  return [measuredOn(results.machine), ...chosen.map(markdown), ...picture].join("\n\n");
}

/** @param {string} readme @param {string} made @returns {string} the README with `made` between the two marks */
export function withSection(readme, made) {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (begin < 0 || end < begin) throw new UserError(`README.md: expected the lines "${BEGIN}" and "${END}", found not both in this order.`);
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${made}\n\n${readme.slice(end)}`;
}

/** @param {any} results @param {string} picture */
export function keep(results, picture) {
  if (results.quick) throw new UserError("--keep: expected the results of a whole run, found those of --quick.");
  const file = join(ROOT, "README.md");
  writeFileSync(file, withSection(readFileSync(file, "utf8"), section(results)));
  writeFileSync(join(HERE, "RESULTS.md"), document(results));
  if (results.growth && existsSync(picture)) copyFileSync(picture, join(HERE, "growth.svg"));
  done("Kept: README.md, scripts/bench/RESULTS.md, scripts/bench/growth.svg");
}
