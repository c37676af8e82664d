/** The messages between page and worker. Every request has an id, every reply repeats it. */
import type { ModelCard, NamedArray, OutputElement, ParityReport, Problem, Signal } from "#engine";
import type { TextRead } from "../model/cells.ts";

/** A text encoding that was given apart from the model, in any form `Model.withText` reads. */
export interface Vocabulary {
  json: string;
  fileName: string;
}

/** All it takes to have a model: kept by the page, so that a worker that dies can be replaced. */
export interface ModelSource {
  bytes: Uint8Array;
  fileName: string;
  /** Id of the sample model it is; absent for the user's own. */
  sample?: string;
  vocabulary?: Vocabulary;
  /** What the user decided of what the file leaves open: `Engine.open`'s choices. */
  choices?: Readonly<Record<string, string>>;
  /** Which of the files the user gave this is, the same for all that is made of it. Absent for a sample. */
  file?: number;
  /** The bytes were made here: of a file of Keras's, or by adding something to a bundle. */
  made?: boolean;
}

export interface Opened {
  card: ModelCard;
  parity: Parity;
  engineVersion: string;
}

/**
 * What is known of how the engine compares with Keras's own numbers: the report, null where the file has none to compare with.
 * A model is in use before that is known, since it may take longer than opening it: "checking" until then, and "failed" where
 * nothing came of it.
 */
export type Parity = ParityReport | null | "checking" | "failed";

/** What is asked of a model. */
export interface Job {
  /** One for each of the model's inputs that text can be given to, in their order. */
  texts: readonly string[];
  /** Id of the signal to answer with; null for none. */
  signal: string | null;
  /** Where that is a gradient: of what. */
  of: OutputElement | null;
}

export interface Answer {
  outputs: NamedArray[];
  /** How each of the texts was read. */
  reads: TextRead[];
  signal: Signal | null;
  /** Time the engine took, in milliseconds. */
  engineMs: number;
}

export type Request =
  /** The first message of a worker's life: its engine gets ready. `restUrl`: where its rest can be fetched, absolute. */
  | { kind: "start"; wasm: WebAssembly.Module; restUrl?: string }
  /** The second, and the only one of its kind: one worker, one model. `rest`: the engine's rest, where the page has it. */
  | { kind: "open"; source: ModelSource; rest?: WebAssembly.Module }
  /** The engine's rest, which the page has got since. */
  | { kind: "rest"; rest: WebAssembly.Module }
  | { kind: "run"; job: Job }
  /** Compares with Keras's numbers, one parity case for each of these: null as long as there are more, then the report. */
  | { kind: "verify" }
  /** `Engine.textObject`. */
  | { kind: "text"; vocabulary: Vocabulary };

/** The inputs that take text, as indices into `ModelCard.inputs`: those with a vocabulary, or all that wait for one. */
export function textInputs({ inputs, text: first }: ModelCard): number[] {
  return inputs.flatMap(({ kind, text }, index) => (kind !== "values" && (text !== null || first === null) ? [index] : []));
}

export type RequestMessage = Request & { id: number };

export type ReplyMessage =
  | { id: number; ok: true; value: Opened | Answer | ParityReport | string | null }
  /** `fatal`: the engine stopped in the midst of something (a trap, an abort, a rest that could not be fetched); the worker must be replaced. */
  | { id: number; ok: false; problems: Problem[]; fatal: boolean };

/** What the page needs of a worker; unit tests put a small one of their own in its place. */
export interface WorkerLike {
  postMessage(message: RequestMessage): void;
  terminate(): void;
  addEventListener(type: "message" | "messageerror" | "error", listener: (event: { data?: unknown; message?: string }) => void): void;
}
