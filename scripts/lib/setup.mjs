/** Gets what is missing: look, decide, act, and look again until nothing is missing. */
import { writeFileSync } from "node:fs";
import { describe } from "./needs.mjs";
import { VENV } from "./paths.mjs";
import { plan } from "./plan.mjs";
import { probe, programs, requirementsHash, VENV_PYTHON, VENV_RECORD, venvRecord } from "./probe.mjs";
import { must, run } from "./run.mjs";
import { done, note, step, UserError } from "./say.mjs";

/**
 * @typedef {import("./needs.mjs").Need} Need
 * @typedef {import("./plan.mjs").Step} Step
 */

/** @param {Need[]} needs */
const purposes = (needs) => needs.map((need) => describe(need).what).join("; ");

/** @param {import("./plan.mjs").AptStep} action */
async function apt({ packages, needs, sudo }) {
  const size = packages.includes("emscripten") || packages.includes("chromium") ? " This is the longest part, some minutes, once." : "";
  step(`Installing with apt-get: ${packages.join(" ")}`, `For: ${purposes(needs)}.${size}`);
  /** @param {string[]} args */
  const aptGet = (args) => {
    const command = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=600", ...args];
    const [program = "", ...rest] = sudo ? ["sudo", "-n", ...command] : command;
    return run(program, rest);
  };
  // The lists on a fresh machine are empty, and on an old one name versions that are gone.
  const update = await aptGet(["update"]);
  if (update.code !== 0) note(`apt-get update: expected exit code 0, found ${update.how}; trying with the lists there are.`);
  const install = await aptGet(["install", "--yes", "--no-install-recommends", ...packages]);
  if (install.code === 0) return true;
  console.log((update.code === 0 ? "" : update.output) + install.output);
  note(`apt-get install: expected exit code 0, found ${install.how}.`);
  return false;
}

/** @param {string | null} python */
async function makeVenv(python) {
  const maker = python ?? programs("python3", "/usr/bin")[0];
  if (!maker) return false;
  step("Making a Python environment of the project's own in .venv", `With ${maker}; the system's Python stays as it is.`);
  const result = await run(maker, ["-m", "venv", "--clear", VENV]);
  if (result.code !== 0) console.log(result.output);
  return result.code === 0;
}

/** @param {import("./plan.mjs").PipStep} action */
async function pip({ requirements, needs }) {
  step(`Installing Python packages into .venv: ${requirements.join(", ")}`, `For: ${purposes(needs)}.`);
  const files = requirements.flatMap((file) => ["-r", file]);
  // Ready-made wheels only: building h5py from source takes a compiler, HDF5 and many minutes.
  const args = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--only-binary", ":all:", ...files];
  const result = await run(VENV_PYTHON, args);
  if (result.code !== 0) {
    console.log(result.output);
    note(`pip install: expected exit code 0, found ${result.how}.`);
    return false;
  }
  const record = { ...venvRecord(), ...Object.fromEntries(requirements.map((file) => [file, requirementsHash(file)])) };
  writeFileSync(VENV_RECORD, `${JSON.stringify(record, null, 2)}\n`);
  return true;
}

/** npm has no substitute, so its failure ends the set-up. */
async function npm() {
  step("Installing the page's libraries with npm ci", "As package-lock.json pins them, into node_modules.");
  await must("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  return true;
}

/** @param {Step} action @returns {Promise<boolean>} whether it worked */
async function act(action) {
  switch (action.kind) {
    case "apt":
      return apt(action);
    case "venv":
      return makeVenv(action.python);
    case "pip":
      return pip(action);
    case "npm":
      return npm();
    case "by hand":
      throw new UserError(action.message);
  }
}

/**
 * @param {Need[]} needs
 * @returns {Promise<import("./probe.mjs").Machine>} the machine as it is now, with everything that was asked for
 * @throws {UserError} saying what to do by hand where set-up cannot
 */
export async function setUp(needs) {
  /** @type {Set<import("./needs.mjs").Way>} */
  const failed = new Set();
  /** @type {Set<string>} */
  const taken = new Set();
  for (;;) {
    const machine = await probe(needs, failed);
    const steps = plan(machine, needs);
    if (!steps.length) {
      done(`Set-up complete: ${needs.map((need) => machine.found[need]).join(", ")}`);
      return machine;
    }
    for (const action of steps) {
      // A step that succeeded and is planned again did not help: as good as failed. This also bounds the loop.
      const key = JSON.stringify(action);
      const worked = !taken.has(key) && (await act(action));
      taken.add(key);
      if (worked) continue;
      failed.add(action.kind === "apt" ? "apt" : action.kind === "npm" ? "npm" : "pip");
      break;
    }
  }
}
