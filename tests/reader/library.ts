/** The HDF5 library for many conversions, good and bad, in one process. */
import type { Hdf5Library } from "../../web/src/reader/hdf5.ts";

/**
 * Every refusal leaves some of the library's stack behind, because an exception crosses it: of its 2 MiB, less than 20 kB. The
 * page's worker makes one conversion only.
 */
export const REFUSALS = 100;

let library: Promise<Hdf5Library> | undefined;
let made = 0;
let refusals = 0;

/** An instance of the library that can be relied on. */
export function hdf5(): Promise<Hdf5Library> {
  // Another address is another module to Node.js: it compiles the library anew.
  library ??= (import(/* @vite-ignore */ `${import.meta.resolve("h5wasm")}?${++made}`) as Promise<typeof import("h5wasm")>).then(({ ready }) => ready);
  return library;
}

/** Says that a conversion was refused. */
export function refused(): void {
  if (++refusals % REFUSALS === 0) library = undefined;
}
