/**
 * The page's side of the engine.
 *
 * - The newest job wins: at most one is with the worker and one waits, and the one that waits is always the last one
 *   given. No keystroke's result is lost, none is computed twice.
 * - The comparison with Keras's numbers runs a case at a time, and only while no job waits: a key waits for one case at most.
 * - A model is opened in a fresh worker, which takes the place of the one before only when it has succeeded.
 * - A worker that dies or hangs is replaced and gets the same model again; the job it died on is tried once more.
 */
import type { ParityReport, Problem } from "#engine";
import type { Answer, Job, ModelSource, Opened, Vocabulary, WorkerLike } from "./protocol.ts";
import type { EngineRest } from "./rest.ts";
import { Failure, Wire } from "./wire.ts";

/** A newer model was given while this one was being opened. */
export class Superseded extends Error {
  constructor() {
    super("a newer model was given");
    this.name = "Superseded";
  }
}

export interface ClientOptions {
  spawn(): WorkerLike;
  /** engine.wasm, compiled once and posted to every worker. */
  wasm: WebAssembly.Module;
  /** The rest of it, where the engine was split. */
  rest?: EngineRest | undefined;
  /** The engine's answer to a job given to `run`. Not always the newest: that one's answer comes later. */
  onAnswer(job: Job, answer: Answer): void;
  /** A job could not be run. The model stays and the next one is run as usual. */
  onFailure(problems: readonly Problem[], job: Job): void;
  /** The answer to `verify`. */
  onReport(report: ParityReport): void;
  /** There is none, and there will be none. */
  onNoReport(problems: readonly Problem[]): void;
  /** Milliseconds a worker may take to start and open a model. */
  openDeadline?: number;
  /** Milliseconds it may take for texts of this many UTF-16 units together. */
  runDeadline?(length: number): number;
}

const OPEN_DEADLINE = 60_000;
/** Length of a parity case's text as `runDeadline` is asked for it: the page does not know the true one. */
const CASE_LENGTH = 2_000;
const runDeadlineOf = (length: number) => 8_000 + 4 * length;

export class EngineClient {
  readonly #options: ClientOptions;
  readonly #openDeadline: number;
  readonly #runDeadline: (length: number) => number;
  /** The model in use; `wire` is the worker that holds it. */
  #current: { wire: Wire; source: ModelSource } | null = null;
  /** The worker that is opening a model that may become the one in use. */
  #candidate: Wire | null = null;
  /** The worker that is opening the model in use once more. */
  #replacement: Wire | null = null;
  /** A worker that was started before there was a model for it. */
  #spare: Wire | null = null;
  #waiting: Job | null = null;
  /** The comparison of the model in use that was asked for: how many workers have died on it. */
  #verifying: { deaths: number } | null = null;
  #busy = false;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#openDeadline = options.openDeadline ?? OPEN_DEADLINE;
    this.#runDeadline = options.runDeadline ?? runDeadlineOf;
  }

  /** What the model in use was opened from. */
  get source(): ModelSource | null {
    return this.#current?.source ?? null;
  }

  /** Starts a worker ahead of the next model, which then need not wait for it. */
  warm(): void {
    this.#spare ??= this.#start();
  }

  /** A model is on its way that may need all of the engine. Resolves when that is there, or cannot be had now. */
  async fetchRest(): Promise<void> {
    const { rest } = this.#options;
    if (!rest || rest.module) return;
    await rest.fetch();
    if (!rest.module) return;
    // Those that were given their model before get it too; whether they still live is for others to find.
    for (const wire of [this.#current?.wire, this.#candidate, this.#replacement]) {
      wire?.request({ kind: "rest", rest: rest.module }, this.#openDeadline).catch(() => undefined);
    }
  }

  /** Gives up the model that is being opened, if there is one: its `open` rejects with Superseded. */
  cancel(): void {
    const wire = this.#candidate;
    this.#candidate = null;
    wire?.close();
  }

  /**
   * Opens a model and, when that has succeeded, puts it in the place of the one before. Rejects with Failure, the model
   * before staying in use, or with Superseded where `open` was called again meanwhile.
   */
  async open(source: ModelSource): Promise<Opened> {
    this.cancel();
    const wire = this.#spare ?? this.#start();
    this.#spare = null;
    this.#candidate = wire;
    let opened: Opened;
    try {
      opened = await this.#open(wire, source);
    } catch (error) {
      wire.close();
      if (this.#candidate !== wire) throw new Superseded();
      this.#candidate = null;
      throw error;
    }
    if (this.#candidate !== wire) {
      wire.close();
      throw new Superseded();
    }
    this.#candidate = null;
    this.#current?.wire.close();
    this.#replacement?.close();
    this.#waiting = null;
    this.#verifying = null;
    this.#use(wire, source);
    return opened;
  }

  /** Runs the model in use. Without one nothing happens. */
  run(job: Job): void {
    if (!this.#current) return;
    this.#waiting = job;
    void this.#pump();
  }

  /** Compares the model in use with the numbers of Keras's that travel with it. For a model that has some. */
  verify(): void {
    if (!this.#current) return;
    this.#verifying = { deaths: 0 };
    void this.#pump();
  }

  /** What a vocabulary becomes in a bundle: `Engine.textObject`. Rejects with Failure. */
  async textObject(vocabulary: Vocabulary): Promise<string> {
    const used = this.#current!;
    try {
      return (await used.wire.request({ kind: "text", vocabulary }, this.#openDeadline)) as string;
    } catch (error) {
      // While something is being run, that finds the worker dead and sees to it.
      if ((error as Failure).fatal && this.#current === used && !this.#busy) void this.#reviveIdle();
      throw error;
    }
  }

  async #pump(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    while (this.#current && (this.#waiting || this.#verifying)) {
      const job = this.#waiting;
      this.#waiting = null;
      if (job) await this.#runOnce(job, true);
      else await this.#verifyOnce(this.#verifying!);
    }
    this.#busy = false;
  }

  /** One case. */
  async #verifyOnce(verifying: { deaths: number }): Promise<void> {
    const used = this.#current!;
    try {
      const report = (await used.wire.request({ kind: "verify" }, this.#runDeadline(CASE_LENGTH))) as ParityReport | null;
      if (!report || this.#verifying !== verifying) return;
      this.#verifying = null;
      this.#options.onReport(report);
    } catch (error) {
      // Of another model's, or begun anew, meanwhile.
      if (this.#verifying !== verifying) return;
      const { fatal, problems } = error as Failure;
      // A successor begins from the first case; but not one that the cases kill as well.
      const outcome = fatal ? await this.#revive() : "failed";
      if (this.#verifying !== verifying || (outcome === "revived" && ++verifying.deaths < 2)) return;
      this.#verifying = null;
      this.#options.onNoReport(problems);
    }
  }

  async #runOnce(job: Job, again: boolean): Promise<void> {
    const used = this.#current!;
    const length = job.texts.reduce((sum, text) => sum + text.length, 0);
    try {
      const answer = await used.wire.request({ kind: "run", job }, this.#runDeadline(length));
      if (this.#current === used) this.#options.onAnswer(job, answer as Answer);
    } catch (error) {
      // The model was replaced meanwhile: its successor is given a job by whoever replaced it.
      if (this.#current !== used) return;
      const failure = error as Failure;
      if (!failure.fatal) return this.#options.onFailure(failure.problems, job);
      const outcome = await this.#revive();
      if (outcome === "superseded" || this.#waiting !== null) return;
      if (outcome === "revived" && again) return this.#runOnce(job, false);
      this.#options.onFailure(failure.problems, job);
    }
  }

  /** Puts a fresh worker with the same model in the place of one that died. */
  async #revive(): Promise<"revived" | "failed" | "superseded"> {
    const dead = this.#current!;
    dead.wire.close();
    const wire = this.#start();
    this.#replacement = wire;
    try {
      await this.#open(wire, dead.source);
    } catch {
      // The dead one stays in use: the next job finds it dead and tries again.
      wire.close();
      return this.#current === dead ? "failed" : "superseded";
    } finally {
      this.#replacement = null;
    }
    if (this.#current !== dead) {
      wire.close();
      return "superseded";
    }
    this.#use(wire, dead.source);
    return "revived";
  }

  #use(wire: Wire, source: ModelSource): void {
    const used = { wire, source };
    this.#current = used;
    wire.onIdleDeath = () => {
      if (this.#current === used && !this.#busy) void this.#reviveIdle();
    };
  }

  async #reviveIdle(): Promise<void> {
    this.#busy = true;
    await this.#revive();
    this.#busy = false;
    void this.#pump();
  }

  /** A worker whose engine gets ready. One that cannot is of no use: closed, it refuses whatever it is asked. */
  #start(): Wire {
    const wire = new Wire(this.#options.spawn());
    wire.onIdleDeath = () => {
      if (this.#spare === wire) this.#spare = null;
    };
    const { wasm, rest } = this.#options;
    wire.request({ kind: "start", wasm, ...(rest ? { restUrl: rest.url } : {}) }, this.#openDeadline).catch((reason: unknown) => {
      if (this.#spare === wire) this.#spare = null;
      wire.close(reason as Failure);
    });
    return wire;
  }

  async #open(wire: Wire, source: ModelSource): Promise<Opened> {
    const rest = this.#options.rest?.module;
    return (await wire.request({ kind: "open", source, ...(rest ? { rest } : {}) }, this.#openDeadline)) as Opened;
  }
}
