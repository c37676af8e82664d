/**
 * The reader's worker: turns one file of Keras's into a bundle. A worker of its own, because the HDF5 library may hang or
 * crash on a damaged file and is then stopped with it. Started from a blob like the engine's, and as bound by the page's
 * policy: it fetches nothing.
 */
import { ready } from "h5wasm";
import { convert } from "./convert.ts";
import { ReaderError } from "./errors.ts";
import type { ReaderReply, ReaderRequest } from "./protocol.ts";

const scope = self as unknown as {
  postMessage(message: ReaderReply, transfer?: Transferable[]): void;
  addEventListener(type: "message", listener: (event: { data: ReaderRequest }) => void): void;
};

scope.addEventListener("message", ({ data }) => void answer(data));

async function answer(request: ReaderRequest): Promise<void> {
  const library = await ready;
  scope.postMessage({ kind: "started" });
  try {
    const bundle = await convert(library, request, (done, total) => scope.postMessage({ kind: "progress", done, total }));
    scope.postMessage({ kind: "converted", bundle }, [bundle.buffer]);
  } catch (error) {
    // Anything else is a fault of the reader's, and reaches the page as the worker's error.
    if (!(error instanceof ReaderError)) setTimeout(() => { throw error; });
    else scope.postMessage({ kind: "refused", problem: error.problem });
  }
}
