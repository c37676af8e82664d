/** The page's side of the reader: fetched when first needed, one worker for each file, each under a deadline. */
import type { Problem } from "#engine";
import { Failure } from "../engine/wire.ts";
import type { NamedBytes } from "./convert.ts";
import { countOf, printable } from "./errors.ts";
import type { ReaderReply, ReaderWorker } from "./protocol.ts";

export interface ReaderOptions {
  /** A worker that has not been asked anything yet; fetches what it takes. Rejects with Failure, and with the signal's reason where it was given up. */
  spawn(signal: AbortSignal): Promise<ReaderWorker>;
  /** Milliseconds for a file of this many bytes. */
  deadline?(bytes: number): number;
}

/** How far a conversion is: null while the reader is fetched and started, then the share of the tensors that are read. */
export type OnProgress = (share: number | null) => void;

/** Milliseconds to start; the library is compiled then, on a slow device too. */
const START = 60_000;
/** As scripts/charglow_convert/probe.py: reading takes a fraction of a second, this is for slow machines. */
const deadlineOf = (bytes: number) => 20_000 + bytes / 5_000;
const DAMAGED = "The file is damaged or incomplete: copy or download it again.";

export class Reader {
  readonly #options: ReaderOptions;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** The bundle of a Keras file. Rejects with Failure where it cannot be used, and with the signal's reason where it was given up. */
  async convert(file: NamedBytes, onProgress: OnProgress, signal: AbortSignal): Promise<Uint8Array> {
    onProgress(null);
    const worker = await this.#options.spawn(signal);
    try {
      signal.throwIfAborted();
      return await this.#answer(worker, file, onProgress, signal);
    } finally {
      worker.terminate();
    }
  }

  #answer(worker: ReaderWorker, file: NamedBytes, onProgress: OnProgress, signal: AbortSignal): Promise<Uint8Array> {
    const { name, bytes } = file;
    const hangs = (milliseconds: number) => `that the HDF5 library hangs on it (for ${Math.round(milliseconds / 1000)} seconds)`;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const answer = new Promise<Uint8Array>((resolve, reject) => {
      const refuse = (problem: Problem) => reject(new Failure([problem], false));
      const unreadable = (actual: string) => refuse({ code: "keras-file", where: name, expected: "readable HDF5", actual, hint: DAMAGED });
      const within = (milliseconds: number, actual: string) => {
        clearTimeout(timer);
        timer = setTimeout(() => unreadable(actual), milliseconds);
      };
      signal.addEventListener("abort", () => reject(signal.reason));
      worker.addEventListener("error", ({ message }) => unreadable(`that the HDF5 library crashes on it (${printable(message || "a worker that does not start")})`));
      worker.addEventListener("messageerror", () => unreadable("a message that could not be read"));
      worker.addEventListener("message", ({ data }) => {
        const reply = data as ReaderReply;
        if (reply.kind === "started") {
          const deadline = (this.#options.deadline ?? deadlineOf)(bytes.length);
          within(deadline, hangs(deadline));
          onProgress(0);
        } else if (reply.kind === "progress") onProgress(reply.done / Math.max(1, reply.total));
        else if (reply.kind === "refused") refuse(reply.problem);
        else resolve(reply.bundle);
      });
      within(START, `that the HDF5 library does not start within ${countOf(START / 1000)} seconds`);
      worker.postMessage(file);
    });
    return answer.finally(() => clearTimeout(timer));
  }
}
