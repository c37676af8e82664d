/**
 * Everything the commands may need from outside the repository, and the ways to get it. Data only: `probe.mjs` looks what
 * is there, `plan.mjs` decides, `setup.mjs` acts.
 *
 * @typedef {"npm" | "apt" | "pip"} Way
 *
 * @typedef {object} Description
 * @property {string} what name and purpose, for people
 * @property {Way[]} ways how it can be had, the preferred first
 * @property {string[]} [apt] Debian and Ubuntu packages
 * @property {string[]} [brew] Homebrew packages, for the message that says what to type
 * @property {string} [requirements] pip requirements file with the pinned versions
 *
 * @typedef {keyof typeof NEEDS} Need
 */

/** Versions that are known to be too old. CMake: see cmake_minimum_required. Emscripten: Debian 12's is the oldest tried. */
export const OLDEST = { cmake: "3.22", emcc: "3.1.6", python: "3.9" };

/** The clang-format that decides: other versions format the same code differently. */
export const CLANG_FORMAT_MAJOR = 14;

export const NEEDS = {
  npm: {
    what: "the page's build tools and libraries (package-lock.json)",
    ways: ["npm"],
  },
  converter: {
    what: "Python with h5py and numpy, which read Keras's HDF5 files",
    ways: ["pip", "apt"],
    apt: ["python3-h5py", "python3-numpy"],
    brew: ["python"],
    requirements: "scripts/requirements.txt",
  },
  emcc: {
    what: `Emscripten ${OLDEST.emcc} or newer (emcc), which compiles the engine to WebAssembly`,
    ways: ["apt"],
    apt: ["emscripten"],
    brew: ["emscripten"],
  },
  cmake: {
    what: `CMake ${OLDEST.cmake} or newer, which configures the engine's build`,
    ways: ["apt", "pip"],
    apt: ["cmake"],
    brew: ["cmake"],
    requirements: "scripts/requirements-build.txt",
  },
  ninja: {
    what: "Ninja, which runs the engine's build",
    ways: ["apt", "pip"],
    apt: ["ninja-build"],
    brew: ["ninja"],
    requirements: "scripts/requirements-build.txt",
  },
  eigen: {
    what: "Eigen, the engine's linear algebra",
    ways: ["apt"],
    apt: ["libeigen3-dev"],
    brew: ["eigen"],
  },
  json: {
    what: "nlohmann/json, the engine's JSON reader",
    ways: ["apt"],
    apt: ["nlohmann-json3-dev"],
    brew: ["nlohmann-json"],
  },
  gcc: {
    what: "g++, one of the two compilers the engine is tested with",
    ways: ["apt"],
    apt: ["g++"],
    brew: ["gcc"],
  },
  clang: {
    what: "clang++, one of the two compilers the engine is tested with",
    ways: ["apt"],
    apt: ["clang"],
    brew: ["llvm"],
  },
  sanitizers: {
    what: "clang's AddressSanitizer and UndefinedBehaviorSanitizer libraries",
    ways: ["apt"],
    brew: ["llvm"],
  },
  gtest: {
    what: "GoogleTest, which runs the engine's tests",
    ways: ["apt"],
    apt: ["libgtest-dev"],
    brew: ["googletest"],
  },
  clangFormat: {
    what: `clang-format ${CLANG_FORMAT_MAJOR}, which checks the C++ style`,
    ways: ["pip", "apt"],
    apt: [`clang-format-${CLANG_FORMAT_MAJOR}`],
    requirements: "scripts/requirements-format.txt",
  },
  pytest: {
    what: "pytest and what else the converter's tests import",
    ways: ["pip"],
    requirements: "tests/convert/requirements.txt",
  },
  browser: {
    what: "Chromium or Chrome, in which the page is tested",
    ways: ["apt"],
    apt: ["chromium"],
    brew: ["--cask chromium"],
  },
};

/** The need's description, with every optional field visible to the type checker. @param {Need} need @returns {Description} */
export const describe = (need) => /** @type {Description} */ (NEEDS[need]);

/** What `npm start`, `npm run build` and `npm run convert` need. @type {Need[]} */
export const PAGE_NEEDS = ["npm", "converter", "emcc", "cmake", "ninja", "eigen", "json"];
