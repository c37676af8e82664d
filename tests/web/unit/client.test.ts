import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EngineClient, Superseded } from "../../../web/src/engine/client.ts";
import type { Job, ModelSource, ReplyMessage, RequestMessage, WorkerLike } from "../../../web/src/engine/protocol.ts";
import { EngineRest } from "../../../web/src/engine/rest.ts";
import { Failure } from "../../../web/src/engine/wire.ts";

/** An engine of no function at all. */
const WASM = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));

/** A worker that does what the test tells it to: by itself it only gets ready, and not even that where `starts` is false. */
class TestWorker implements WorkerLike {
  static starts = true;
  /** All but the first message, which starts the engine. */
  readonly received: RequestMessage[] = [];
  start: RequestMessage | undefined;
  terminated = false;
  readonly #listeners = new Map<string, (event: { data?: unknown; message?: string }) => void>();

  postMessage(message: RequestMessage): void {
    if (this.terminated) return;
    if (message.kind !== "start") return void this.received.push(message);
    this.start = message;
    if (TestWorker.starts) queueMicrotask(() => this.emit("message", { data: { id: message.id, ok: true, value: null } as ReplyMessage }));
  }

  terminate(): void {
    this.terminated = true;
  }

  addEventListener(type: string, listener: (event: { data?: unknown; message?: string }) => void): void {
    this.#listeners.set(type, listener);
  }

  emit(type: string, event: { data?: unknown; message?: string } = {}): void {
    if (!this.terminated) this.#listeners.get(type)?.(event);
  }

  get texts(): string[] {
    return this.received.flatMap((message) => (message.kind === "run" ? message.job.texts : []));
  }

  /** Answers the last message. */
  async reply(value: unknown = {}): Promise<void> {
    this.emit("message", { data: { id: this.received.at(-1)!.id, ok: true, value } as ReplyMessage });
    await settle();
  }

  async refuse(code: string, fatal = false): Promise<void> {
    const problems = [{ code, where: "w", expected: "e", actual: "a", hint: "" }];
    this.emit("message", { data: { id: this.received.at(-1)!.id, ok: false, problems, fatal } as ReplyMessage });
    await settle();
  }
}

/** Lets all promises that can go on do so. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

const job = (...texts: string[]): Job => ({ texts, signal: null, of: null });
const model = (fileName: string): ModelSource => ({ bytes: new Uint8Array([1]), fileName });

let workers: TestWorker[];
let answers: string[];
let failures: [string, string][];
let reports: string[];
let client: EngineClient;

beforeEach(() => {
  vi.useFakeTimers();
  TestWorker.starts = true;
  workers = [];
  answers = [];
  failures = [];
  reports = [];
  client = new EngineClient({
    wasm: WASM,
    spawn: () => {
      const worker = new TestWorker();
      workers.push(worker);
      return worker;
    },
    onAnswer: ({ texts }) => answers.push(texts.join()),
    onFailure: (problems, { texts }) => failures.push([problems[0]!.code, texts.join()]),
    onReport: ({ made_with }) => reports.push(made_with),
    onNoReport: (problems) => reports.push(`none: ${problems[0]!.code}`),
    openDeadline: 1000,
    runDeadline: () => 100,
  });
});

afterEach(() => {
  vi.useRealTimers();
});

async function opened(fileName = "a"): Promise<TestWorker> {
  const opening = client.open(model(fileName));
  await workers.at(-1)!.reply({ card: {} });
  await opening;
  return workers.at(-1)!;
}

describe("typing", () => {
  it("has one text with the worker and keeps only the newest of those that wait", async () => {
    const worker = await opened();
    for (const text of ["a", "ab", "abc", "abcd"]) client.run(job(text));
    await settle();
    expect(worker.texts).toEqual(["a"]);
    await worker.reply();
    expect(worker.texts).toEqual(["a", "abcd"]);
    await worker.reply();
    expect(answers).toEqual(["a", "abcd"]);
  });

  it("never loses the last key, whenever the answer to the one before comes", async () => {
    const worker = await opened();
    let text = "";
    for (let i = 0; i < 50; i++) {
      text += String(i % 10);
      client.run(job(text));
      await settle();
      if (i % 7 === 0) await worker.reply();
    }
    while (worker.texts.length > answers.length) await worker.reply();
    expect(answers.at(-1)).toBe(text);
    expect(answers.length).toBeLessThan(50);
  });

  it("ignores an answer that nobody waits for", async () => {
    const worker = await opened();
    client.run(job("a"));
    await settle();
    worker.emit("message", { data: { id: 999, ok: true, value: {} } });
    await settle();
    expect(answers).toEqual([]);
  });

  it("reports a text the engine refuses, and runs the next one on the same worker", async () => {
    const worker = await opened();
    client.run(job("bad"));
    await settle();
    await worker.refuse("text");
    client.run(job("good"));
    await settle();
    await worker.reply();
    expect(failures).toEqual([["text", "bad"]]);
    expect(answers).toEqual(["good"]);
    expect(workers).toHaveLength(1);
  });
});

describe("models", () => {
  it("keeps the model before when the new one cannot be opened", async () => {
    const worker = await opened("a");
    const opening = client.open(model("b"));
    const check = expect(opening).rejects.toThrow(Failure);
    await workers[1]!.refuse("digest");
    await check;
    expect(workers[1]!.terminated).toBe(true);
    expect(worker.terminated).toBe(false);
    expect(client.source?.fileName).toBe("a");
    client.run(job("x"));
    await settle();
    expect(worker.texts).toEqual(["x"]);
  });

  it("swaps only when the new one is open, and stops the old worker then", async () => {
    const worker = await opened("a");
    const opening = client.open(model("b"));
    client.run(job("x"));
    await settle();
    expect(worker.texts).toEqual(["x"]);
    await workers[1]!.reply({ card: {} });
    await opening;
    expect(worker.terminated).toBe(true);
    expect(client.source?.fileName).toBe("b");
    client.run(job("y"));
    await settle();
    await workers[1]!.reply();
    // The old model's answer to "x" never came, and nothing is said about it.
    expect(answers).toEqual(["y"]);
    expect(failures).toEqual([]);
  });

  it("lets the last of two win, whichever is ready first", async () => {
    const first = client.open(model("a"));
    const check = expect(first).rejects.toThrow(Superseded);
    const second = client.open(model("b"));
    await workers[1]!.reply({ card: {} });
    await Promise.all([check, second]);
    expect(workers[0]!.terminated).toBe(true);
    expect(client.source?.fileName).toBe("b");
  });

  it("gets the engine first, compiled", async () => {
    const worker = await opened("a");
    expect(worker.start).toMatchObject({ kind: "start", wasm: WASM });
    expect(worker.received).toMatchObject([{ kind: "open", source: { fileName: "a" } }]);
  });

  it("is opened by the worker that was started ahead of it; the next one by a worker of its own", async () => {
    client.warm();
    client.warm();
    expect(workers).toHaveLength(1);
    await opened("a");
    expect(workers).toHaveLength(1);
    await opened("b");
    expect(workers.map(({ terminated }) => terminated)).toEqual([true, false]);
  });

  it("is not given to a worker that died before there was a model for it", async () => {
    client.warm();
    await settle();
    workers[0]!.emit("error", { message: "trap" });
    await opened("a");
    expect(workers).toHaveLength(2);
  });

  it("cannot be opened by an engine that does not start: says why", async () => {
    TestWorker.starts = false;
    const opening = expect(client.open(model("a"))).rejects.toMatchObject({ problems: [{ code: "engine-crash" }] });
    workers[0]!.emit("message", { data: { id: workers[0]!.start!.id, ok: false, problems: [{ code: "engine-crash", where: "w", expected: "e", actual: "a", hint: "" }], fatal: true } });
    await opening;
    expect(workers[0]!.terminated).toBe(true);
    TestWorker.starts = true;
    await opened("a");
  });

  it("that is given up while it is being opened stops its worker, and the model before stays", async () => {
    const worker = await opened("a");
    const opening = expect(client.open(model("b"))).rejects.toThrow(Superseded);
    client.cancel();
    await opening;
    expect(workers[1]!.terminated).toBe(true);
    expect(worker.terminated).toBe(false);
    expect(client.source?.fileName).toBe("a");
    client.cancel();
    expect(worker.terminated).toBe(false);
  });

  it("says so when a worker does not start, and after the deadline when it hangs", async () => {
    const first = expect(client.open(model("a"))).rejects.toMatchObject({ fatal: true, problems: [{ actual: "blocked by policy" }] });
    workers[0]!.emit("error", { message: "blocked by policy" });
    await first;
    const second = expect(client.open(model("a"))).rejects.toMatchObject({ problems: [{ actual: "none after 1 seconds" }] });
    await vi.advanceTimersByTimeAsync(1000);
    await second;
    expect(client.source).toBeNull();
  });
});

describe("the comparison with Keras", () => {
  const kinds = (worker: TestWorker) => worker.received.map((message) => (message.kind === "run" ? message.job.texts.join() : message.kind));

  it("goes on a case at a time, and a key waits for one case at most", async () => {
    const worker = await opened();
    client.run(job("a"));
    client.verify();
    await settle();
    expect(kinds(worker)).toEqual(["open", "a"]);
    await worker.reply();
    expect(kinds(worker)).toEqual(["open", "a", "verify"]);
    client.run(job("ab"));
    client.run(job("abc"));
    await worker.reply(null);
    expect(kinds(worker)).toEqual(["open", "a", "verify", "abc"]);
    client.run(job("abcd"));
    await worker.reply();
    await worker.reply();
    expect(kinds(worker)).toEqual(["open", "a", "verify", "abc", "abcd", "verify"]);
    expect(reports).toEqual([]);
    await worker.reply({ made_with: "Keras" });
    expect(reports).toEqual(["Keras"]);
    expect(answers).toEqual(["a", "abc", "abcd"]);
    expect(kinds(worker)).toHaveLength(6);
  });

  it("that cannot be made is told, and the model stays", async () => {
    const worker = await opened();
    client.verify();
    await settle();
    await worker.refuse("parity-structure");
    client.run(job("a"));
    await settle();
    await worker.reply();
    expect(reports).toEqual(["none: parity-structure"]);
    expect(answers).toEqual(["a"]);
    expect(workers).toHaveLength(1);
  });

  it("begins anew after the worker has died, and is given up when it kills twice", async () => {
    const worker = await opened();
    client.verify();
    await settle();
    await worker.reply(null);
    worker.emit("error");
    await settle();
    await workers[1]!.reply({ card: {} });
    expect(kinds(workers[1]!)).toEqual(["open", "verify"]);
    vi.advanceTimersByTime(100);
    await settle();
    await workers[2]!.reply({ card: {} });
    expect(kinds(workers[2]!)).toEqual(["open"]);
    expect(reports).toEqual(["none: worker-died"]);
    client.run(job("a"));
    await settle();
    await workers[2]!.reply();
    expect(answers).toEqual(["a"]);
  });

  it("of a model that was replaced is not told of its successor", async () => {
    await opened("a");
    client.verify();
    await settle();
    await opened("b");
    expect(reports).toEqual([]);
    client.run(job("x"));
    await settle();
    expect(kinds(workers[1]!)).toEqual(["open", "x"]);
    await workers[1]!.reply();
    expect(kinds(workers[1]!)).toEqual(["open", "x"]);
  });
});

describe("a worker that dies", () => {
  it.each([
    ["by an error", (worker: TestWorker) => worker.emit("error", { message: "trap" })],
    ["by a message that cannot be read", (worker: TestWorker) => worker.emit("messageerror")],
    ["by an engine that is past saving", (worker: TestWorker) => void worker.refuse("engine-crash", true)],
    ["by hanging", () => vi.advanceTimersByTime(100)],
  ])("%s: is replaced, gets the same model, and the text is run", async (_, kill) => {
    const worker = await opened("a");
    client.run(job("text"));
    await settle();
    kill(worker);
    await settle();
    expect(worker.terminated).toBe(true);
    expect(workers[1]!.received[0]).toMatchObject({ kind: "open", source: { fileName: "a" } });
    await workers[1]!.reply({ card: {} });
    expect(workers[1]!.texts).toEqual(["text"]);
    await workers[1]!.reply();
    expect(answers).toEqual(["text"]);
    expect(failures).toEqual([]);
  });

  it("runs the newest text after its replacement, not the one it died on", async () => {
    const worker = await opened();
    client.run(job("old"));
    await settle();
    client.run(job("new"));
    worker.emit("error");
    await settle();
    await workers[1]!.reply({ card: {} });
    expect(workers[1]!.texts).toEqual(["new"]);
  });

  it("gives up on a text that kills twice, and still runs the next", async () => {
    const worker = await opened();
    client.run(job("killer"));
    await settle();
    worker.emit("error");
    await settle();
    await workers[1]!.reply({ card: {} });
    workers[1]!.emit("error");
    await settle();
    await workers[2]!.reply({ card: {} });
    expect(failures).toEqual([["worker-died", "killer"]]);
    client.run(job("harmless"));
    await settle();
    await workers[2]!.reply();
    expect(answers).toEqual(["harmless"]);
  });

  it("is replaced while nothing is asked of it", async () => {
    const worker = await opened();
    worker.emit("error");
    await settle();
    expect(workers).toHaveLength(2);
    client.run(job("x"));
    await workers[1]!.reply({ card: {} });
    await workers[1]!.reply();
    expect(answers).toEqual(["x"]);
  });

  it("is tried again with the next text when its replacement failed as well", async () => {
    const worker = await opened();
    client.run(job("one"));
    await settle();
    worker.emit("error");
    await settle();
    workers[1]!.emit("error");
    await settle();
    expect(failures).toEqual([["worker-died", "one"]]);
    client.run(job("two"));
    await settle();
    await workers[2]!.reply({ card: {} });
    await workers[2]!.reply();
    expect(answers).toEqual(["two"]);
  });

  it("does not hold up a new model by its replacement", async () => {
    const worker = await opened("a");
    client.run(job("x"));
    await settle();
    worker.emit("error");
    await settle();
    const opening = client.open(model("b"));
    await workers[2]!.reply({ card: {} });
    await opening;
    client.run(job("y"));
    await settle();
    await workers[2]!.reply();
    expect(workers[1]!.terminated).toBe(true);
    expect(client.source?.fileName).toBe("b");
    expect(answers).toEqual(["y"]);
    expect(failures).toEqual([]);
  });
});

describe("the engine's rest", () => {
  const REST = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  const withRest = (fetchIt: () => Promise<WebAssembly.Module>) => new EngineClient({
    wasm: WASM, rest: new EngineRest("https://here/rest.wasm", fetchIt), onAnswer: () => {}, onFailure: () => {}, onReport: () => {}, onNoReport: () => {},
    spawn: () => {
      workers.push(new TestWorker());
      return workers.at(-1)!;
    },
  });

  it("is known to a worker by its address, and handed to it when the page has it, before its model or after", async () => {
    client = withRest(async () => REST);
    const opening = client.open(model("a"));
    await settle();
    expect(workers[0]!.start).toMatchObject({ restUrl: "https://here/rest.wasm" });
    expect(workers[0]!.received[0]).not.toHaveProperty("rest");
    await workers[0]!.reply({});
    await opening;
    await client.fetchRest();
    expect(workers[0]!.received[1]).toMatchObject({ kind: "rest", rest: REST });
    void client.open(model("b"));
    await settle();
    expect(workers[1]!.received[0]).toMatchObject({ kind: "open", rest: REST });
  });

  it("that cannot be had stops nothing", async () => {
    client = withRest(() => Promise.reject(new Error("offline")));
    const opening = client.open(model("a"));
    await settle();
    await workers[0]!.reply({});
    await opening;
    await client.fetchRest();
    expect(workers[0]!.received.map(({ kind }) => kind)).toEqual(["open"]);
  });
});
