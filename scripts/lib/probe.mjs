/** Looks what the machine has. Reads and runs `--version`s only; changes nothing. */
import { accessSync, constants, existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { CLANG_FORMAT_MAJOR, describe, OLDEST } from "./needs.mjs";
import { isAtLeast } from "./node_version.mjs";
import { ROOT, VENV } from "./paths.mjs";
import { run } from "./run.mjs";
import { hashOf } from "./stamp.mjs";

/**
 * @typedef {import("./needs.mjs").Need} Need
 *
 * @typedef {object} Paths where what was found is; undefined where it is not there
 * @property {string} [python] runs scripts/convert.py
 * @property {string} [venvPython] has all pinned Python packages that were asked for
 * @property {string} [emscripten] Emscripten's root folder, the one with cmake/Modules
 * @property {string} [emcc]
 * @property {string} [cmake]
 * @property {string} [ctest]
 * @property {string} [ninja]
 * @property {string | undefined} [eigen] the folder that holds Eigen/Core
 * @property {string | undefined} [json] the folder that holds nlohmann/json.hpp
 * @property {string} [clangFormat]
 * @property {string} [browser]
 *
 * @typedef {import("./plan.mjs").Facts & {paths: Paths}} Machine
 */

/** Which requirements files .venv was filled from: file name to hash of its content. */
export const VENV_RECORD = join(VENV, "charglow.json");
export const VENV_PYTHON = join(VENV, "bin", "python");

/** @param {string} file */
function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * @param {string} name @param {string} [path] folders, as in $PATH
 * @returns {string[]} every program of that name, in the order of $PATH; .venv's own last, so that the system's goes first
 */
export function programs(name, path = process.env.PATH ?? "") {
  const folders = [...path.split(delimiter).filter(Boolean), join(VENV, "bin")];
  return [...new Set(folders.map((folder) => join(folder, name)))].filter(isProgram);
}

/** First version number a program prints. @param {string} program @param {string[]} [args] @returns {Promise<string | null>} */
async function versionOf(program, args = ["--version"]) {
  const { code, output } = await run(program, args);
  return code === 0 ? (/\d+\.\d+(\.\d+)*/.exec(output)?.[0] ?? null) : null;
}

/** The first program that runs and is new enough. @param {string[]} candidates @param {(version: string) => boolean} [fits] */
async function firstThatFits(candidates, fits = () => true) {
  for (const path of candidates) {
    const version = await versionOf(path);
    if (version && fits(version)) return { path, version };
  }
  return null;
}

/** Folders below which headers and libraries may lie. */
function prefixes() {
  const named = [...(process.env.CMAKE_PREFIX_PATH ?? "").split(delimiter), process.env.HOMEBREW_PREFIX ?? ""];
  return [...named.filter(Boolean), "/opt/homebrew", "/usr/local", "/usr"];
}

/** @param {string} header @param {string[]} [folders] below each prefix */
function headerFolder(header, folders = ["include"]) {
  const places = prefixes().flatMap((prefix) => folders.map((folder) => join(prefix, folder)));
  return places.find((folder) => existsSync(join(folder, header)));
}

/** Emscripten's root folder for an emcc: beside it (emsdk), where its link leads (Debian), or in libexec (Homebrew). @param {string} emcc */
function emscriptenRoot(emcc) {
  const real = dirname(realpathSync(emcc));
  return [dirname(emcc), real, join(real, "..", "libexec")].find((folder) =>
    existsSync(join(folder, "cmake", "Modules", "Platform", "Emscripten.cmake")),
  );
}

/** @returns {Promise<Machine["apt"]>} */
async function aptRights() {
  if (!programs("apt-get").length) return null;
  if (process.getuid?.() === 0) return "root";
  const [sudo] = programs("sudo");
  // -n: fail instead of asking for a password.
  return sudo && (await run(sudo, ["-n", "true"])).code === 0 ? "sudo" : "no rights";
}

/** What a Python can do, as JSON. */
const PYTHON_QUESTIONS = `
import json, sys
def has(*names):
    try:
        for name in names: __import__(name)
        return True
    except Exception:
        return False
print(json.dumps({"version": "%d.%d" % sys.version_info[:2], "venv": has("venv", "ensurepip"), "h5py": has("h5py", "numpy")}))
`;

/** @returns {Promise<{path: string, version: string, venv: boolean, h5py: boolean}[]>} every usable Python, the first on $PATH first */
async function pythons() {
  const found = [];
  for (const path of [...new Set([...programs("python3"), "/usr/bin/python3"])]) {
    if (!isProgram(path) || path.startsWith(VENV)) continue;
    const { code, stdout } = await run(path, ["-c", PYTHON_QUESTIONS]);
    if (code !== 0) continue;
    const answer = JSON.parse(stdout);
    if (isAtLeast(answer.version, OLDEST.python)) found.push({ path, ...answer });
  }
  return found;
}

/** @returns {Record<string, string>} requirements file to the hash it was installed from */
export function venvRecord() {
  return existsSync(VENV_RECORD) ? JSON.parse(readFileSync(VENV_RECORD, "utf8")) : {};
}

/** @param {string} requirements file below the repository's root */
export const requirementsHash = (requirements) => hashOf([join(ROOT, requirements)]);

/**
 * Whether node_modules holds what package-lock.json says, by comparing it with the list npm keeps of what it installed.
 * @param {string} [root]
 */
export function nodeModulesMatch(root = ROOT) {
  const installedFile = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(installedFile)) return false;
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const installed = JSON.parse(readFileSync(installedFile, "utf8")).packages;
  const present = Object.keys(installed).every(
    (name) => installed[name].version === wanted[name]?.version && existsSync(join(root, name, "package.json")),
  );
  // Packages for other systems are optional, and left out by npm.
  return present && Object.keys(wanted).every((name) => name === "" || wanted[name].optional || name in installed);
}

/** @param {string} clang */
async function hasSanitizers(clang) {
  const { code, stdout } = await run(clang, ["-print-resource-dir"]);
  const folder = join(stdout.trim(), "lib");
  if (code !== 0 || !existsSync(folder)) return false;
  return readdirSync(folder, { recursive: true }).some((name) => String(name).includes("libclang_rt.asan"));
}

/**
 * @param {Need[]} needs only these are looked for
 * @param {ReadonlySet<import("./needs.mjs").Way>} failed
 * @returns {Promise<Machine>}
 */
export async function probe(needs, failed) {
  /** @type {Machine["found"]} */
  const found = {};
  /** @type {Paths} */
  const paths = {};
  /** @param {Need} need @param {boolean} there @param {string} description */
  const note = (need, there, description) => {
    if (there) found[need] = description;
  };
  /** @param {Need} need */
  const wanted = (need) => needs.includes(need);

  if (wanted("npm")) note("npm", nodeModulesMatch(), "node_modules");

  for (const need of /** @type {const} */ (["cmake", "ninja"])) {
    if (!wanted(need)) continue;
    const program = await firstThatFits(programs(need), (version) => need !== "cmake" || isAtLeast(version, OLDEST.cmake));
    if (!program) continue;
    paths[need] = program.path;
    if (need === "cmake") paths.ctest = join(dirname(program.path), "ctest");
    note(need, true, `${need} ${program.version}`);
  }

  if (wanted("emcc")) {
    const emsdk = process.env.EMSDK ? [join(process.env.EMSDK, "upstream", "emscripten", "emcc")].filter(isProgram) : [];
    for (const emcc of [...programs("emcc"), ...emsdk]) {
      const version = await versionOf(emcc);
      const root = emscriptenRoot(emcc);
      if (!version || !root || !isAtLeast(version, OLDEST.emcc)) continue;
      Object.assign(paths, { emcc, emscripten: root });
      note("emcc", true, `emcc ${version}`);
      break;
    }
  }

  paths.eigen = headerFolder("Eigen/Core", ["include/eigen3", "include"]);
  paths.json = headerFolder("nlohmann/json.hpp");
  note("eigen", paths.eigen !== undefined, "Eigen");
  note("json", paths.json !== undefined, "nlohmann/json");
  note("gtest", headerFolder("gtest/gtest.h") !== undefined, "GoogleTest");

  let clangMajor = null;
  if (wanted("gcc")) {
    const gcc = await firstThatFits(programs("g++"));
    if (gcc) note("gcc", true, `g++ ${gcc.version}`);
  }
  if (wanted("clang") || wanted("sanitizers")) {
    const clang = await firstThatFits(programs("clang++"));
    if (clang) {
      clangMajor = Number.parseInt(clang.version, 10);
      note("clang", true, `clang++ ${clang.version}`);
      note("sanitizers", await hasSanitizers(clang.path), "sanitizers");
    }
  }
  if (wanted("clangFormat")) {
    const names = [...programs(`clang-format-${CLANG_FORMAT_MAJOR}`), ...programs("clang-format")];
    const format = await firstThatFits(names, (version) => version.startsWith(`${CLANG_FORMAT_MAJOR}.`));
    if (format) {
      paths.clangFormat = format.path;
      note("clangFormat", true, `clang-format ${format.version}`);
    }
  }
  if (wanted("browser")) {
    const names = ["chromium", "google-chrome", "google-chrome-stable", "chromium-browser"].flatMap((name) => programs(name));
    const mac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";
    const browser = await firstThatFits([...(process.env.CHROMIUM ? [process.env.CHROMIUM] : []), ...names, mac].filter(isProgram));
    if (browser) {
      paths.browser = browser.path;
      note("browser", true, `Chromium ${browser.version}`);
    }
  }

  const venv = isProgram(VENV_PYTHON) && (await run(VENV_PYTHON, ["-m", "pip", "--version"])).code === 0;
  const record = venv ? venvRecord() : {};
  /** @param {Need} need */
  const venvHas = (need) => {
    const { requirements } = describe(need);
    return requirements !== undefined && record[requirements] === requirementsHash(requirements);
  };
  if (wanted("converter") && venvHas("converter")) {
    paths.python = VENV_PYTHON;
    note("converter", true, "h5py and numpy (.venv)");
  }
  if (wanted("pytest") && venvHas("pytest")) {
    paths.venvPython = VENV_PYTHON;
    note("pytest", true, "pytest (.venv)");
  }
  const pip = needs.some((need) => !found[need] && describe(need).ways.includes("pip"));
  const others = pip ? await pythons() : [];
  const withH5py = others.find((python) => python.h5py);
  if (wanted("converter") && !found.converter && withH5py) {
    paths.python = withH5py.path;
    note("converter", true, `h5py and numpy (${withH5py.path})`);
  }
  return {
    found,
    paths,
    apt: await aptRights(),
    brew: programs("brew").length > 0,
    venv,
    venvMaker: others.find((python) => python.venv)?.path ?? null,
    clangMajor,
    failed,
  };
}
