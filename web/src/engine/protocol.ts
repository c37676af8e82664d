/** The messages between page and worker. Every request has an id, every reply repeats it. */
import type { ModelCard, ParityReport, Problem, RunResult } from "#engine";

/** A text encoding that was given apart from the model, in any form `Model.withText` reads. */
export interface Vocabulary {
  json: string;
  fileName: string;
}

/** All it takes to have a model: kept by the page, so that a worker that dies can be replaced. */
export interface ModelSource {
  bytes: Uint8Array;
  fileName: string;
  vocabulary?: Vocabulary;
}

export interface Opened {
  card: ModelCard;
  parity: ParityReport | null;
  engineVersion: string;
}

export interface Answer {
  result: RunResult;
  /** Time the engine took, in milliseconds. */
  engineMs: number;
}

export type Request =
  /** The first message of a worker's life, and its only one of this kind: one worker, one model. */
  | { kind: "open"; wasm: ArrayBuffer; source: ModelSource }
  | { kind: "run"; text: string };

export type RequestMessage = Request & { id: number };

export type ReplyMessage =
  | { id: number; ok: true; value: Opened | Answer }
  /** `fatal`: the engine's memory can no longer be trusted (a trap, an abort); the worker must be replaced. */
  | { id: number; ok: false; problems: Problem[]; fatal: boolean };

/** What the page needs of a worker; unit tests put a small one of their own in its place. */
export interface WorkerLike {
  postMessage(message: RequestMessage): void;
  terminate(): void;
  addEventListener(type: "message" | "messageerror" | "error", listener: (event: { data?: unknown; message?: string }) => void): void;
}
