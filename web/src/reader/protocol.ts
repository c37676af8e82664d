/** The messages between the page and the reader's worker, which lives for one conversion. */
import type { Problem } from "#engine";
import type { NamedBytes } from "./convert.ts";

/** What the page sends, once: the file of Keras's. */
export type ReaderRequest = NamedBytes;

export type ReaderReply =
  /** The HDF5 library is there; the conversion begins. */
  | { kind: "started" }
  | { kind: "progress"; done: number; total: number }
  | { kind: "converted"; bundle: Uint8Array<ArrayBuffer> }
  | { kind: "refused"; problem: Problem };

/** What the page needs of the worker; unit tests put a small one of their own in its place. */
export interface ReaderWorker {
  postMessage(request: ReaderRequest): void;
  terminate(): void;
  addEventListener(type: "message" | "messageerror" | "error", listener: (event: { data?: unknown; message?: string }) => void): void;
}
