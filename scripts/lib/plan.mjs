/**
 * What set-up would do, decided from facts alone: no file is touched and no program is run here, so that every decision
 * can be tested without the machine it is for.
 *
 * @typedef {import("./needs.mjs").Need} Need
 * @typedef {import("./needs.mjs").Way} Way
 *
 * @typedef {object} Facts
 * @property {Partial<Record<Need, string>>} found what is there already, described for people
 * @property {"root" | "sudo" | "no rights" | null} apt how apt-get can be run; null where there is none
 * @property {boolean} brew whether Homebrew is there
 * @property {boolean} venv whether .venv exists and its Python runs
 * @property {string | null} venvMaker a Python that can create .venv
 * @property {number | null} clangMajor clang's major version
 * @property {ReadonlySet<Way>} failed what has been tried and did not work
 *
 * @typedef {{kind: "apt", packages: string[], needs: Need[], sudo: boolean}} AptStep
 * @typedef {{kind: "venv", python: string | null}} VenvStep python: null means the one apt has installed before
 * @typedef {{kind: "pip", requirements: string[], needs: Need[]}} PipStep
 * @typedef {{kind: "npm"}} NpmStep
 * @typedef {{kind: "by hand", message: string}} ByHandStep
 * @typedef {AptStep | VenvStep | PipStep | NpmStep | ByHandStep} Step
 */
import { describe } from "./needs.mjs";

/** @param {Need} need @param {Facts} facts @returns {string[]} Debian's package names; none where they are not known (yet) */
function aptPackages(need, facts) {
  if (need === "sanitizers") return facts.clangMajor === null ? [] : [`libclang-rt-${facts.clangMajor}-dev`];
  return describe(need).apt ?? [];
}

/** @param {Facts} facts */
const aptWorks = (facts) => (facts.apt === "root" || facts.apt === "sudo") && !facts.failed.has("apt");

/** @param {Need} need @param {Facts} facts @returns {Way | null} */
function wayFor(need, facts) {
  const works = {
    npm: !facts.failed.has("npm"),
    apt: aptWorks(facts) && aptPackages(need, facts).length > 0,
    pip: !facts.failed.has("pip") && (facts.venv || facts.venvMaker !== null || aptWorks(facts)),
  };
  return describe(need).ways.find((way) => works[way]) ?? null;
}

/** @template T @param {T[]} values @returns {T[]} */
const unique = (values) => [...new Set(values)];

/**
 * The message for a machine on which set-up cannot go on by itself: what is missing, what it is for, what to type.
 * @param {Need[]} missing @param {Facts} facts
 */
function byHand(missing, facts) {
  const lines = ["Missing on this machine:", ...missing.map((need) => `  - ${describe(need).what}`), ""];
  const pipOnly = missing.filter((need) => !describe(need).ways.includes("apt"));
  const packages = missing.flatMap((need) => aptPackages(need, facts));
  // With Debian's venv module there, set-up itself can do the rest.
  const lacksPython = pipOnly.length > 0 && !facts.venv && facts.venvMaker === null && facts.apt !== null;
  if (lacksPython) packages.push("python3", "python3-venv");
  const pip = lacksPython ? [] : unique(pipOnly.flatMap((need) => describe(need).requirements ?? []));
  const formulae = unique(missing.flatMap((need) => describe(need).brew ?? []));
  if (facts.apt !== null && packages.length) {
    lines.push(
      facts.apt === "no rights"
        ? "Installing takes the rights of an administrator, which this account does not have without a password. Type:"
        : "apt-get was tried and did not deliver. To see why, type:",
      `  sudo apt-get update && sudo apt-get install --no-install-recommends ${unique(packages).join(" ")}`,
    );
  } else if (facts.brew && formulae.length) {
    lines.push("Type:", `  brew install ${formulae.join(" ")}`);
  } else if (facts.apt === null) {
    lines.push("This machine has neither apt nor Homebrew: install these with its own package manager.");
  }
  if (pip.length) {
    const files = pip.map((file) => `-r ${file}`).join(" ");
    lines.push("Python packages:", `  python3 -m venv .venv && .venv/bin/python -m pip install ${files}`);
  }
  lines.push("Then run the same command again.");
  return lines.join("\n");
}

/**
 * @param {Facts} facts
 * @param {Need[]} needs
 * @returns {Step[]} in the order to take them; empty when everything is there. When something cannot be had, the only step
 *   is "by hand": nothing is installed before the user has been told.
 */
export function plan(facts, needs) {
  // Which package holds the sanitizers depends on the clang that is about to be installed: the next round knows.
  const clangComes = needs.includes("clang") && !facts.found.clang;
  const missing = needs.filter((need) => !facts.found[need] && !(need === "sanitizers" && clangComes));
  const ways = new Map(missing.map((need) => [need, wayFor(need, facts)]));
  const impossible = missing.filter((need) => ways.get(need) === null);
  if (impossible.length) return [{ kind: "by hand", message: byHand(impossible, facts) }];

  /** @param {Way} way */
  const by = (way) => missing.filter((need) => ways.get(need) === way);
  /** @type {Step[]} */
  const steps = [];
  const pipNeeds = by("pip");
  const packages = by("apt").flatMap((need) => aptPackages(need, facts));
  const lacksPython = pipNeeds.length > 0 && !facts.venv && facts.venvMaker === null;
  if (lacksPython) packages.push("python3", "python3-venv");
  if (packages.length) {
    steps.push({ kind: "apt", packages: unique(packages), needs: by("apt"), sudo: facts.apt === "sudo" });
  }
  if (pipNeeds.length) {
    if (!facts.venv) steps.push({ kind: "venv", python: facts.venvMaker });
    steps.push({ kind: "pip", requirements: unique(pipNeeds.map((need) => describe(need).requirements ?? "")), needs: pipNeeds });
  }
  if (by("npm").length) steps.push({ kind: "npm" });
  return steps;
}
