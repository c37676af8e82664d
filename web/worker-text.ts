/**
 * Vite plugins for the workers, each built into one self-contained classic script. Vite's own `?worker&inline` cannot be used:
 * it calls `new Worker(string)`, which the page's Trusted Types refuse.
 *
 * - `virtual:worker-text` is the engine's worker as a string, part of the page.
 * - `virtual:reader-url` is the address of a file with the reader's, which is large and only fetched when somebody drops a
 *   file of Keras's.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build, type Plugin, type Rolldown } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const ENGINE = { module: "virtual:worker-text", entry: here("./src/engine/worker.ts") };
const READER = { module: "virtual:reader-url", entry: here("./src/reader/worker.ts") };
/** Where the development server has the reader. */
const DEVELOPMENT_URL = "/@charglow-reader.js";

export function workerText(): Plugin {
  return {
    name: "charglow-worker-text",
    resolveId: (id) => (id === ENGINE.module ? `\0${id}` : undefined),
    async load(id) {
      if (id !== `\0${ENGINE.module}`) return undefined;
      const { code, modules } = await buildWorker(ENGINE.entry);
      for (const module of modules) if (!module.startsWith("\0")) this.addWatchFile(module);
      return `export default ${JSON.stringify(code)};`;
    },
  };
}

export function readerUrl(): Plugin {
  let serving = false;
  return {
    name: "charglow-reader-url",
    configResolved: ({ command }) => {
      serving = command === "serve";
    },
    resolveId: (id) => (id === READER.module ? `\0${id}` : undefined),
    async load(id) {
      if (id !== `\0${READER.module}`) return undefined;
      if (serving) return `export default ${JSON.stringify(DEVELOPMENT_URL)};`;
      const reference = this.emitFile({ type: "asset", name: "reader.js", source: await buildReader() });
      return `export default import.meta.ROLLUP_FILE_URL_${reference};`;
    },
    configureServer(server) {
      server.middlewares.use(DEVELOPMENT_URL, (_request, response, next) => {
        buildReader().then((code) => response.setHeader("Content-Type", "text/javascript; charset=utf-8").end(code), next);
      });
    },
  };
}

/** The reader's script, with the licences of what it contains, which want to go along. */
export async function buildReader(): Promise<string> {
  const licences = [["h5wasm", "LICENSE.txt"], ["fflate", "LICENSE"]].map(([name, file]) =>
    `${name}\n\n${readFileSync(here(`../node_modules/${name}/${file}`), "utf8").trim()}\n`);
  const { code } = await buildWorker(READER.entry);
  return `/*!\n${licences.join("\n").replaceAll("*/", "* /")}*/\n${code}`;
}

async function buildWorker(entry: string): Promise<{ code: string; modules: string[] }> {
  const output = (await build({
    configFile: false,
    logLevel: "warn",
    plugins: [withoutImportMeta],
    build: {
      write: false,
      target: "es2022",
      copyPublicDir: false,
      lib: { entry, formats: ["iife"], name: "charglowWorker" },
    },
  })) as Rolldown.RolldownOutput[];
  const chunks = output.flatMap((part) => part.output);
  const [chunk] = chunks;
  if (chunks.length !== 1 || chunk?.type !== "chunk") {
    throw new Error(`the worker must be one file, found ${chunks.map(({ fileName }) => fileName).join(", ")}`);
  }
  return { code: chunk.code, modules: chunk.moduleIds };
}

/**
 * Emscripten writes `new URL("engine.wasm", import.meta.url)` for hosts that do not hand it the bytes, and h5wasm asks
 * import.meta for its own folder. Both have all they need, so that Vite must not copy files into the script; and a classic
 * script has no import.meta. The address is one that no server has, so that a mistake here shows itself.
 */
const withoutImportMeta: Plugin = {
  name: "charglow-without-import-meta",
  enforce: "pre",
  transform: (code, id) =>
    /(engine\.mjs|hdf5_util\.js)$/.test(id) ? code.replaceAll("import.meta.url", '"https://not-fetched.invalid/"') : undefined,
};
