/** Chromium, and a server for what the benchmark's page needs. */
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize, sep } from "node:path";
import { chromium } from "playwright-core";

const TYPES = new Map([
  [".html", "text/html"],
  [".js", "text/javascript"],
  [".mjs", "text/javascript"],
  [".json", "application/json"],
  [".wasm", "application/wasm"],
]);

/**
 * Serves several folders, isolated from other origins: only so does Chromium's clock count in steps of 5 microseconds.
 * @param {Record<string, string>} folders path prefix, such as "/runners/", to folder; the longest that fits counts
 * @returns {Promise<{url: string, close: () => void}>}
 */
export async function serveFolders(folders) {
  const prefixes = Object.keys(folders).sort((a, b) => b.length - a.length);
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://bench.invalid").pathname);
    const prefix = prefixes.find((one) => path.startsWith(one));
    const folder = prefix && folders[prefix];
    const file = folder && normalize(join(folder, path.slice(prefix.length)));
    if (!file || !(file + sep).startsWith(normalize(folder + sep)) || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      "Content-Type": TYPES.get(extname(file)) ?? "application/octet-stream",
      "Content-Length": statSync(file).size,
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
    });
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return { url: `http://127.0.0.1:${port}`, close: () => void server.close() };
}

/** @param {string} executable */
export function launch(executable) {
  const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
  return chromium.launch({
    executablePath: executable,
    args: [...args, "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}
