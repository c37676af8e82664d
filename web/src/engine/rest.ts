/**
 * The rest of the engine: what the sample model does not run (rare layers, the messages of what is wrong with a file, …), a file
 * of its own. The page fetches it once for all workers, when nothing waits for it; a worker that needs it and has not been given it
 * fetches it by itself and waits for it, see worker.ts.
 */
export class EngineRest {
  /** As a worker needs it, which has no place of its own: absolute. */
  readonly url: string;
  readonly #compile: (url: string) => Promise<WebAssembly.Module>;
  #module: WebAssembly.Module | undefined;
  #fetching: Promise<void> | undefined;

  /** `compile` fetches and compiles what is at an address. */
  constructor(url: string, compile: (url: string) => Promise<WebAssembly.Module>) {
    this.url = url;
    this.#compile = compile;
  }

  /** Where it is there already. */
  get module(): WebAssembly.Module | undefined {
    return this.#module;
  }

  /**
   * Fetches it, unless that was done. Resolves either way: many models do without it, and a worker that does not tries once more
   * and says why that failed.
   */
  fetch(): Promise<void> {
    this.#fetching ??= this.#compile(this.url).then(
      (module) => void (this.#module = module),
      () => void (this.#fetching = undefined),
    );
    return this.#fetching;
  }
}
