/** Starts the worker from a blob, and fetches the engine's bytes once. */
import workerText from "virtual:worker-text";
import wasmUrl from "../../../build/wasm/engine.wasm?url";
import type { WorkerLike } from "./protocol.ts";
import { Failure } from "./wire.ts";

/** The part of the Trusted Types interface used here; TypeScript's DOM library does not have it yet. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

const trustedTypes = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
let workerUrl = "";

/** The page's only policy (its name is in the CSP): it vouches for the worker's own blob and for nothing else. */
const policy = trustedTypes?.createPolicy("charglow-worker", {
  createScriptURL(url) {
    if (url !== workerUrl) throw new TypeError(`not the engine's worker: ${url}`);
    return url;
  },
});

export function spawnWorker(): WorkerLike {
  workerUrl ||= URL.createObjectURL(new Blob([workerText], { type: "text/javascript" }));
  return new Worker(policy ? policy.createScriptURL(workerUrl) : workerUrl, { name: "charglow engine" }) as WorkerLike;
}

export async function fetchWasm(): Promise<ArrayBuffer> {
  return (await fetchFile(wasmUrl)).buffer;
}

/** Rejects with a Failure that names the address where the server has no such file. */
export async function fetchFile(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url);
  if (!response.ok) {
    throw new Failure([{ code: "fetch", where: url, expected: "the file", actual: `${response.status} ${response.statusText}`.trim(), hint: "" }], false);
  }
  return new Uint8Array(await response.arrayBuffer());
}
