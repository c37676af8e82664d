/** One worker and the requests it has not answered yet, each under a deadline. */
import type { Problem } from "#engine";
import type { ReplyMessage, Request, WorkerLike } from "./protocol.ts";

/** Why a request has no answer. */
export class Failure extends Error {
  readonly problems: readonly Problem[];
  /** The worker is of no further use. */
  readonly fatal: boolean;

  constructor(problems: readonly Problem[], fatal: boolean) {
    super(problems.map(({ where, expected, actual }) => `${where}: expected ${expected}, found ${actual}`).join("\n"));
    this.name = "Failure";
    this.problems = problems;
    this.fatal = fatal;
  }
}

interface Waiting {
  resolve(value: unknown): void;
  reject(reason: Failure): void;
  timer: ReturnType<typeof setTimeout>;
}

export class Wire {
  readonly #worker: WorkerLike;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #closed = false;
  /** Called when the worker dies while it owes no answer. */
  onIdleDeath: () => void = () => {};

  constructor(worker: WorkerLike) {
    this.#worker = worker;
    worker.addEventListener("message", ({ data }) => this.#receive(data as ReplyMessage));
    worker.addEventListener("messageerror", () => this.#die("a message that could not be read"));
    worker.addEventListener("error", ({ message }) => this.#die(message || "a worker that does not start"));
  }

  /** Resolves with the reply's value; rejects with Failure, at the latest after `deadline` milliseconds. */
  request(message: Request, deadline: number): Promise<unknown> {
    if (this.#closed) return Promise.reject(death("a worker that was stopped"));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#die(`none after ${Math.round(deadline / 1000)} seconds`), deadline);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#worker.postMessage({ ...message, id });
    });
  }

  /** Stops the worker; requests without an answer fail. */
  close(reason = death("a worker that was stopped")): void {
    this.#closed = true;
    this.#worker.terminate();
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(reason);
    }
    this.#waiting.clear();
  }

  #receive(reply: ReplyMessage): void {
    const waiting = this.#waiting.get(reply.id);
    if (!waiting) return;
    this.#waiting.delete(reply.id);
    clearTimeout(waiting.timer);
    if (reply.ok) waiting.resolve(reply.value);
    else waiting.reject(new Failure(reply.problems, reply.fatal));
  }

  #die(actual: string): void {
    if (this.#closed) return;
    const idle = this.#waiting.size === 0;
    this.close(death(actual));
    if (idle) this.onIdleDeath();
  }
}

function death(actual: string): Failure {
  const problem: Problem = {
    code: "worker-died", where: "engine", expected: "an answer", actual,
    hint: "The engine was started anew; if this comes again, reload the page.",
  };
  return new Failure([problem], true);
}
