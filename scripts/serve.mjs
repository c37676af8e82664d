/**
 * Serves dist/ on this machine only: node scripts/serve.mjs [--port N] [--base /sub/path/]
 *
 * Vite's preview server (sirv) does the work: MIME types, ranges, the next free port where one is taken.
 */
import "./lib/node_version.mjs";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import util from "node:util";
import { DIST, ROOT } from "./lib/paths.mjs";
import { main, UserError } from "./lib/say.mjs";

export const DEFAULT_PORT = 4173;

/**
 * @param {string} text what the user gave
 * @returns {number} a port; 0 lets the system choose
 */
export function parsePort(text) {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535) {
    throw new UserError(`--port: expected a whole number from 0 to 65535, found "${text}".`);
  }
  return port;
}

/**
 * @param {{port?: number, base?: string, folder?: string}} [options]
 *   port: the first to try, default 4173. base: the sub-path to serve under, "/" at both ends. folder: default dist/
 * @returns {Promise<{url: string, close: () => Promise<void>}>}
 */
export async function serve({ port = DEFAULT_PORT, base = "/", folder = DIST } = {}) {
  if (!existsSync(join(folder, "index.html"))) {
    throw new UserError(`${folder}: expected index.html, found none. Run \`npm run build\` first.`);
  }
  // Imported here, because Vite is there only after npm ci has run.
  const { preview } = await import("vite");
  const server = await preview({
    root: ROOT,
    configFile: false,
    // "mpa": an address that does not exist is 404, as on GitHub Pages, and not the start page.
    appType: "mpa",
    base,
    logLevel: "error",
    build: { outDir: folder },
    preview: { host: "127.0.0.1", port, strictPort: false, open: false },
  });
  const url = server.resolvedUrls?.local[0];
  if (!url) throw new UserError("The server: expected an address to serve on, found none.");
  return { url, close: () => server.close() };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await main(async () => {
    const { values } = util.parseArgs({ options: { port: { type: "string" }, base: { type: "string" } } });
    const port = values.port === undefined ? DEFAULT_PORT : parsePort(values.port);
    const { url } = await serve({ port, ...(values.base === undefined ? {} : { base: values.base }) });
    console.log(`\n  ${url}\n\nCtrl-C ends it.`);
  });
}
