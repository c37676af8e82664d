/** The reader's real worker, as the page has it, in a thread of Node.js. */
import { Worker } from "node:worker_threads";
import type { NamedBytes } from "../../web/src/reader/convert.ts";
import type { ReaderReply, ReaderWorker } from "../../web/src/reader/protocol.ts";
import { buildReader } from "../../web/worker-text.ts";
import { REFUSALS } from "./library.ts";

/** What a browser gives a worker, as far as the reader uses it. */
const BROWSER = `
const { parentPort } = require("node:worker_threads");
globalThis.self = {
  postMessage: (message, transfer) => parentPort.postMessage(message, transfer),
  addEventListener: (type, listener) => parentPort.on(type, (data) => listener({ data })),
};
`;

let text: Promise<string> | undefined;

/** `prelude`: run before the reader's own script. */
export async function spawn(prelude = ""): Promise<ReaderWorker> {
  text ??= buildReader();
  const worker = new Worker(`${BROWSER}${prelude}${await text}`, { eval: true });
  return {
    postMessage: (request) => worker.postMessage(request),
    terminate: () => void worker.terminate(),
    addEventListener(type, listener) {
      if (type === "error") worker.on("error", (error) => listener(error as { message?: string }));
      else worker.on(type, (data) => listener({ data }));
    },
  };
}

export type Outcome = { kind: "bundle"; bundle: Uint8Array } | { kind: "refused"; text: string } | { kind: "crash"; text: string } | { kind: "hang" };

/** Converts many files in one worker, which is replaced when it has died or hung. Much faster than a worker for each. */
export class Batch {
  readonly #deadline: number;
  #worker: ReaderWorker | null = null;
  #refusals = 0;
  #settle: (outcome: Outcome) => void = () => {};

  /** `deadline` in milliseconds, from when the library is there. */
  constructor(deadline: number) {
    this.#deadline = deadline;
  }

  async convert(file: NamedBytes): Promise<Outcome> {
    if (this.#refusals >= REFUSALS) this.close();
    const worker = (this.#worker ??= await this.#start());
    let timer: ReturnType<typeof setTimeout> | undefined;
    const outcome = await new Promise<Outcome>((resolve) => {
      this.#settle = resolve;
      this.#onStarted = () => {
        timer = setTimeout(() => resolve({ kind: "hang" }), this.#deadline);
      };
      worker.postMessage(file);
    });
    clearTimeout(timer);
    if (outcome.kind === "refused") this.#refusals++;
    if (outcome.kind === "hang" || outcome.kind === "crash") this.close();
    return outcome;
  }

  close(): void {
    this.#worker?.terminate();
    this.#worker = null;
    this.#refusals = 0;
  }

  #onStarted: () => void = () => {};

  async #start(): Promise<ReaderWorker> {
    const worker = await spawn();
    worker.addEventListener("error", ({ message }) => this.#settle({ kind: "crash", text: String(message) }));
    worker.addEventListener("message", ({ data }) => {
      const reply = data as ReaderReply;
      if (reply.kind === "started") this.#onStarted();
      else if (reply.kind === "converted") this.#settle({ kind: "bundle", bundle: reply.bundle });
      else if (reply.kind === "refused") this.#settle({ kind: "refused", text: reply.problem.text! });
    });
    return worker;
  }
}
