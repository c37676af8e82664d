/** Starts workers from blobs, and fetches what the page is made of. */
import readerUrl from "virtual:reader-url";
import workerText from "virtual:worker-text";
import wasmUrl from "../../../build/wasm/engine.wasm?url";
import type { ReaderWorker } from "../reader/protocol.ts";
import type { WorkerLike } from "./protocol.ts";
import { Failure } from "./wire.ts";

/** The part of the Trusted Types interface used here; TypeScript's DOM library does not have it yet. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

const trustedTypes = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
/** Addresses of the blobs that hold the page's own workers. */
const ours = new Set<string>();

/** The page's only policy (its name is in the CSP): it vouches for the page's own workers and for nothing else. */
const policy = trustedTypes?.createPolicy("charglow-worker", {
  createScriptURL(url) {
    if (!ours.has(url)) throw new TypeError(`not a worker of the page: ${url}`);
    return url;
  },
});

/** The address of a blob from which `start` makes workers. */
function blobOf(text: BlobPart): string {
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  ours.add(url);
  return url;
}

function start(url: string, name: string): Worker {
  return new Worker(policy ? policy.createScriptURL(url) : url, { name });
}

let engine = "";

export function spawnWorker(): WorkerLike {
  engine ||= blobOf(workerText);
  return start(engine, "charglow engine") as WorkerLike;
}

let reader = "";

/** The reader of Keras's files, fetched when it is first needed. Rejects with Failure. */
export async function spawnReader(): Promise<ReaderWorker> {
  reader ||= blobOf(await fetchFile(readerUrl));
  return start(reader, "charglow reader") as ReaderWorker;
}

export async function fetchWasm(): Promise<ArrayBuffer> {
  return (await fetchFile(wasmUrl)).buffer;
}

/** Rejects with a Failure that names the address where the server has no such file. */
export async function fetchFile(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const refuse = (actual: string) => new Failure([{ code: "fetch", where: url, expected: "the file", actual, hint: "" }], false);
  const response = await fetch(url).catch((error: unknown) => {
    throw refuse(String(error));
  });
  if (!response.ok) throw refuse(`${response.status} ${response.statusText}`.trim());
  return new Uint8Array(await response.arrayBuffer());
}
