/** The Emscripten module as the build leaves it in build/wasm/. */
declare module "#engine-module" {
  const factory: (options: object) => Promise<unknown>;
  export default factory;
}

/** The worker as one self-contained text; made by worker-text.ts beside vite.config.ts. */
declare module "virtual:worker-text" {
  const text: string;
  export default text;
}

/** Address of a file with the reader's worker, as self-contained; made there too. */
declare module "virtual:reader-url" {
  const url: string;
  export default url;
}
