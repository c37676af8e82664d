/** Starts workers from blobs, and fetches what the page is made of. */
import { EngineError, engineFor } from "#engine";
import readerUrl from "virtual:reader-url";
import workerText from "virtual:worker-text";
import { readAll, type OnArrival } from "../model/streams.ts";
import type { ReaderWorker } from "../reader/protocol.ts";
import type { WorkerLike } from "./protocol.ts";
import { EngineRest } from "./rest.ts";
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

/** The reader of Keras's files, fetched when it is first needed. Rejects with Failure, and with the signal's reason where it was given up. */
export async function spawnReader(signal: AbortSignal): Promise<ReaderWorker> {
  reader ||= blobOf(await fetchFile(readerUrl, signal));
  return start(reader, "charglow reader") as ReaderWorker;
}

/** Addresses of all engines that were built, by their files. They have the same glue: the build sees to that. */
const ENGINES = import.meta.glob<string>("../../../build/wasm/engine*.wasm", { query: "?url", import: "default", eager: true });

/** The addresses of the engine that this browser is given, and of its rest where it was split. Throws Failure where none of them runs here. */
function engineUrls(): { url: string; rest: string | undefined } {
  const urls = new Map(Object.entries(ENGINES).map(([file, url]) => [file.replace(/^.*\/|\.wasm$/g, ""), url]));
  try {
    const name = engineFor([...urls.keys()]);
    return { url: urls.get(name)!, rest: urls.get(`${name}.rest`) };
  } catch (error) {
    throw error instanceof EngineError ? new Failure(error.problems, false) : error;
  }
}

/** The engine, compiled once for all workers, and its rest, which is not fetched yet. Rejects with Failure. */
export async function fetchEngine(): Promise<{ wasm: WebAssembly.Module; rest: EngineRest | undefined }> {
  const { url, rest } = engineUrls();
  const wasm = await fetchWasm(url);
  return { wasm, rest: rest === undefined ? undefined : new EngineRest(new URL(rest, document.baseURI).href, fetchWasm) };
}

async function fetchWasm(url: string): Promise<WebAssembly.Module> {
  const response = await fetchResponse(url);
  try {
    // Compiled while it arrives. Browsers do so only where the server says what it is, and not all servers do.
    const streams = /^application\/wasm\b/i.test(response.headers.get("Content-Type") ?? "");
    return await (streams ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer()));
  } catch (error) {
    throw new Failure([{ code: "engine", where: url, expected: "the engine, in WebAssembly", actual: String(error), hint: "Reload the page." }], false);
  }
}

/** Rejects with a Failure that names the address where the server has no such file, and with the signal's reason where it was given up. */
export async function fetchFile(url: string, signal?: AbortSignal, onArrival?: OnArrival): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetchResponse(url, signal);
  try {
    return await readAll(response.body!, sizeOf(response), signal, onArrival);
  } catch (error) {
    signal?.throwIfAborted();
    throw refusal(url, String(error));
  }
}

/** Bytes of the answer; null where the server does not say, or says it of what it has compressed. */
function sizeOf({ headers }: Response): number | null {
  const length = headers.get("Content-Length");
  return length === null || headers.has("Content-Encoding") ? null : Number(length);
}

async function fetchResponse(url: string, signal?: AbortSignal): Promise<Response> {
  const response = await fetch(url, signal ? { signal } : {}).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw refusal(url, String(error));
  });
  if (!response.ok) throw refusal(url, `${response.status} ${response.statusText}`.trim());
  return response;
}

const refusal = (url: string, actual: string) => new Failure([{ code: "fetch", where: url, expected: "the file", actual, hint: "" }], false);
