/**
 * Vite plugin: `virtual:worker-text` is the worker, built into one self-contained classic script, as a string. Vite's own
 * `?worker&inline` cannot be used: it calls `new Worker(string)`, which the page's Trusted Types refuse.
 */
import { fileURLToPath } from "node:url";
import { build, type Plugin, type Rolldown } from "vite";

const NAME = "virtual:worker-text";
const entry = fileURLToPath(new URL("./src/engine/worker.ts", import.meta.url));

export function workerText(): Plugin {
  return {
    name: "charglow-worker-text",
    resolveId: (id) => (id === NAME ? `\0${NAME}` : undefined),
    async load(id) {
      if (id !== `\0${NAME}`) return undefined;
      const { code, modules } = await buildWorker();
      for (const module of modules) if (!module.startsWith("\0")) this.addWatchFile(module);
      return `export default ${JSON.stringify(code)};`;
    },
  };
}

async function buildWorker(): Promise<{ code: string; modules: string[] }> {
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
 * Emscripten writes `new URL("engine.wasm", import.meta.url)` for hosts that do not hand it the bytes. The page does, so
 * that Vite must not copy the file into the script; and a classic script has no import.meta. The address is one that no
 * server has, so that a mistake here shows itself.
 */
const withoutImportMeta: Plugin = {
  name: "charglow-without-import-meta",
  enforce: "pre",
  transform: (code, id) =>
    id.endsWith("engine.mjs") ? code.replaceAll("import.meta.url", '"https://not-fetched.invalid/"') : undefined,
};
