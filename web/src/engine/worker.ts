/**
 * The worker: holds one engine with one model and answers `run`. It is built into one self-contained text and started
 * from a blob, because only such a worker is bound by the page's Content-Security-Policy (one loaded from the network
 * is not); so it gets the engine, compiled, in its first message. The one thing it ever fetches is the engine's rest, when that
 * is needed and the page has not handed it over.
 */
import { Engine, EngineError, type Model, type NamedArray, type ParityReport, type Problem, type Session, type Verification } from "#engine";
import factory from "#engine-module";
import type { TextRead } from "../model/cells.ts";
import { textInputs, type Answer, type Job, type ModelSource, type Opened, type ReplyMessage, type RequestMessage } from "./protocol.ts";

const scope = self as unknown as {
  postMessage(message: ReplyMessage): void;
  addEventListener(type: "message", listener: (event: { data: RequestMessage }) => void): void;
};

interface Current {
  engine: Engine;
  model: Model;
  session: Session;
  /** The comparison with Keras, as far as it has come. */
  verification?: Verification;
  inputs: number[];
  // What the inputs were last given: only a text that changed is run again.
  texts: (string | null)[];
  reads: TextRead[];
  outputs: NamedArray[];
}

let current: Current | undefined;

/** Asked for by `start`, waited for by `open`, which may come before it is there. */
let starting: Promise<Engine> | undefined;

/** The engine's rest, where the page handed it over, and its address. */
let rest: WebAssembly.Module | undefined;
let restUrl: string | undefined;

/** Code of the problem that the engine's rest could not be fetched. */
const REST_MISSING = "rest-missing";
/** Milliseconds that fetching it may take: less than the page gives the worker for an answer. */
const REST_PATIENCE = 7_000;

/** The engine's rest, which is asked for in the midst of a call: so it is waited for without going on. Throws EngineError. */
function restNow(): WebAssembly.Module | ArrayBuffer {
  if (rest) return rest;
  const missing = (actual: string) => new EngineError([{
    code: REST_MISSING, where: "the engine", expected: "its second part, which this needs", actual, hint: "Check the connection and try again.",
  }]);
  if (restUrl === undefined) throw missing("none");
  const request = new XMLHttpRequest();
  request.open("GET", restUrl, false);
  request.responseType = "arraybuffer";
  request.timeout = REST_PATIENCE;
  try {
    request.send();
  } catch (error) {
    throw missing(`none at ${restUrl} (${String(error)})`);
  }
  if (request.status !== 200) throw missing(`${`${request.status} ${request.statusText}`.trim()} at ${restUrl}`);
  return request.response as ArrayBuffer;
}

async function open(source: ModelSource): Promise<Opened> {
  if (!starting) throw new Error("open before start");
  const engine = await starting;
  let model: Model = engine.open(source.bytes, source.fileName, { ...source.choices });
  if (source.vocabulary) model = model.withText(source.vocabulary.json, source.vocabulary.fileName);
  // The comparison is read when there are colours: its numbers take longer to read than the model. But none is no such file.
  const cases = model.card.parity_cases;
  if (cases === 0) model.verification().delete();
  const session = model.newSession();
  // Attention can be large: only what is asked for is copied, see `run`.
  session.watch([]);
  const inputs = textInputs(model.card);
  current = { engine, model, session, inputs, texts: inputs.map(() => null), reads: [], outputs: [] };
  return { card: model.card, parity: cases > 0 ? "checking" : null, engineVersion: engine.version };
}

/** One more case. null: there may be more. */
function verify(): ParityReport | null {
  if (!current) throw new Error("verify before open");
  const verification = (current.verification ??= current.model.verification());
  if (verification.next()) return null;
  const report = verification.report();
  verification.delete();
  delete current.verification;
  return report;
}

function run({ texts, signal, of }: Job): Answer {
  if (!current) throw new Error("run before open");
  const { session, inputs } = current;
  const start = performance.now();
  for (const [place, text] of texts.entries()) {
    if (current.texts[place] === text) continue;
    current.texts[place] = null;
    const { outputs, ids, padding, text: map } = session.setText(text, inputs[place]);
    current.texts[place] = text;
    current.reads[place] = { ids, padding, ...(map ? { text: map } : {}) };
    current.outputs = outputs;
  }
  const { outputs, reads } = current;
  return { outputs, reads, signal: signal === null ? null : session.signal(signal, of ?? {}), engineMs: performance.now() - start };
}

scope.addEventListener("message", ({ data }) => void answer(data));

async function start(wasm: WebAssembly.Module): Promise<null> {
  starting = Engine.load(factory, wasm, restNow);
  await starting;
  return null;
}

async function valueFor(message: RequestMessage): Promise<Opened | Answer | ParityReport | string | null> {
  if (message.kind === "start") {
    restUrl = message.restUrl;
    return start(message.wasm);
  }
  if (message.kind === "open") {
    rest = message.rest;
    return open(message.source);
  }
  if (message.kind === "rest") {
    rest = message.rest;
    return null;
  }
  if (message.kind === "run") return run(message.job);
  if (message.kind === "verify") return verify();
  return current!.engine.textObject(message.vocabulary.json, message.vocabulary.fileName);
}

async function answer(message: RequestMessage): Promise<void> {
  try {
    const value = await valueFor(message);
    scope.postMessage({ id: message.id, ok: true, value });
  } catch (error) {
    if (error instanceof EngineError) {
      // Without its rest the engine stopped where it was: whatever it was at is half done.
      const fatal = error.problems.some(({ code }) => code === REST_MISSING);
      scope.postMessage({ id: message.id, ok: false, problems: [...error.problems], fatal });
    } else {
      scope.postMessage({ id: message.id, ok: false, problems: [crash(error)], fatal: true });
    }
  }
}

/** Anything but an EngineError is a fault of the engine's, not of the file's. */
function crash(error: unknown): Problem {
  return {
    code: "engine-crash",
    where: "engine",
    expected: "an answer",
    actual: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    hint: "This is a fault of the engine; please report it with the model and the text.",
  };
}
