/// <reference types="vitest/config" />
/** `vite build web` makes dist/, a static site that works from any sub-path. Vitest reads its tests' places here too. */
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import { readerUrl, workerText } from "./worker-text.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here("."),
  base: "./",
  plugins: [workerText(), readerUrl(), developmentPolicy()],
  build: {
    outDir: here("../dist"),
    emptyOutDir: true,
    target: "es2022",
    // Nothing but the icon as a data: address; the policy allows no more.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { fs: { allow: [here("..")] } },
  test: { root: here(".."), include: ["tests/web/unit/**/*.test.ts", "tests/reader/**/*.test.ts"], environment: "node" },
});

/** Vite's development server puts styles and a reload script of its own into the page, which the real policy refuses. */
function developmentPolicy(): Plugin {
  return {
    name: "charglow-development-policy",
    apply: "serve",
    transformIndexHtml: (html) => html.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, ""),
  };
}
