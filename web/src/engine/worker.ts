/**
 * The worker: holds one engine with one model and answers `run`. It is built into one self-contained text and started
 * from a blob, because only such a worker is bound by the page's Content-Security-Policy (one loaded from the network
 * is not); so it gets the WebAssembly bytes in its first message and never fetches anything.
 */
import { Engine, EngineError, type Model, type Problem, type Session } from "#engine";
import factory from "#engine-module";
import type { Answer, ModelSource, Opened, ReplyMessage, RequestMessage } from "./protocol.ts";

const scope = self as unknown as {
  postMessage(message: ReplyMessage): void;
  addEventListener(type: "message", listener: (event: { data: RequestMessage }) => void): void;
};

let session: Session | undefined;

async function open(wasm: ArrayBuffer, source: ModelSource): Promise<Opened> {
  const engine = await Engine.load(factory, wasm);
  let model: Model = engine.open(source.bytes, source.fileName);
  if (source.vocabulary) model = model.withText(source.vocabulary.json, source.vocabulary.fileName);
  const parity = model.verify();
  session = model.newSession();
  return { card: model.card, parity, engineVersion: engine.version };
}

function run(text: string): Answer {
  if (!session) throw new Error("run before open");
  const start = performance.now();
  const result = session.setText(text);
  return { result, engineMs: performance.now() - start };
}

scope.addEventListener("message", ({ data }) => void answer(data));

async function answer(message: RequestMessage): Promise<void> {
  try {
    const value = message.kind === "open" ? await open(message.wasm, message.source) : run(message.text);
    scope.postMessage({ id: message.id, ok: true, value });
  } catch (error) {
    if (error instanceof EngineError) {
      scope.postMessage({ id: message.id, ok: false, problems: [...error.problems], fatal: false });
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
