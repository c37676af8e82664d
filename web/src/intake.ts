/**
 * From files that the user gave to a model that the engine can open. A file of Keras's is converted; an architecture and labels
 * become part of the bundle; whatever comes before the model it belongs to is kept until then.
 */
import type { Problem } from "#engine";
import type { ModelSource, Vocabulary } from "./engine/protocol.ts";
import { Failure } from "./engine/wire.ts";
import type { Given, OpenedFile } from "./model/files.ts";
import { readAnnotations } from "./reader/annotations.ts";
import { readArchitecture } from "./reader/architecture.ts";
import { metadataOfBundle, withMetadata, type Metadata } from "./reader/bundle.ts";
import type { OnProgress, Reader } from "./reader/client.ts";
import { ReaderError } from "./reader/errors.ts";
import { compareUtf8 } from "./reader/utf8.ts";

/** What becomes of files: a model to open, or files that are kept until the rest comes. */
export type Taken =
  | { kind: "open"; source: ModelSource }
  /** The vocabulary is for the model in use. */
  | { kind: "vocabulary"; vocabulary: Vocabulary }
  /** `for`: the weights that something else is still missing for; "" where there is no model to use it with. */
  | { kind: "kept"; what: "architecture" | "vocabulary" | "labels"; name: string; for: string };

export class Intake {
  readonly #reader: Reader;
  /** Counts the model files that were given. */
  #count = 0;
  /** The weights that were given last, if they came without an architecture. What was added since is in them. */
  #weights: ModelSource | null = null;
  #architecture: OpenedFile | null = null;
  #vocabulary: Vocabulary | null = null;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  /** Rejects with Failure where a file cannot be used, and with the signal's reason where it was given up. */
  async take(given: Given, inUse: ModelSource | null, onProgress: OnProgress, signal: AbortSignal): Promise<Taken> {
    try {
      if (given.model) return { kind: "open", source: await this.#model(given.model, given, onProgress, signal) };
      return await this.#addition(given, inUse);
    } catch (error) {
      throw asFailure(error);
    }
  }

  /** A model as one file, with everything that was added to it. `text`: the encoding that was given apart from it. */
  async bundle({ bytes, fileName, choices }: ModelSource, text: string | null): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return await withMetadata(bytes, fileName, { ...(text === null ? {} : { text }), ...(choices ? chosen(bytes, fileName, choices) : {}) });
    } catch (error) {
      throw asFailure(error);
    }
  }

  /** A vocabulary that was given before its model, for one that has none of its own. */
  get vocabulary(): Vocabulary | null {
    return this.#vocabulary;
  }

  /** A model is in use: what was kept for the next one is not kept for the one after it. */
  settle(source: ModelSource): void {
    if (source.file === this.#count) this.#vocabulary = null;
  }

  async #model(model: OpenedFile, given: Given, onProgress: OnProgress, signal: AbortSignal): Promise<ModelSource> {
    const converted = model.kind === "keras";
    const bytes = converted ? await this.#reader.convert(model, onProgress, signal) : model.bytes;
    let source: ModelSource = { bytes, fileName: model.name, file: ++this.#count, ...(converted ? { made: true } : {}) };
    if (given.vocabulary) {
      source.vocabulary = vocabularyOf(given.vocabulary);
      this.#vocabulary = null;
    }
    if (given.labels) source = await labelled(source, given.labels);
    const lacking = lacksArchitecture(source);
    this.#weights = lacking ? source : null;
    const architecture = given.architecture ?? (lacking ? this.#architecture : null);
    this.#architecture = null;
    if (!architecture) return source;
    if (!lacking) throw new ReaderError(architecture.name, "no architecture beside the file's own", `that ${model.name} holds one`, "Drop the model without it.");
    return withArchitecture(source, architecture);
  }

  async #addition({ architecture, vocabulary, labels }: Given, inUse: ModelSource | null): Promise<Taken> {
    const weights = this.#weights;
    const isInUse = weights !== null && weights.file === inUse?.file;
    if (vocabulary) this.#vocabulary = vocabularyOf(vocabulary);
    if (architecture && !weights) {
      this.#architecture = architecture;
      return { kind: "kept", what: "architecture", name: architecture.name, for: "" };
    }
    let source = weights && !isInUse ? weights : inUse;
    if (!source) throw new Failure([NO_MODEL((labels ?? vocabulary)!.name)], false);
    if (!architecture && !labels && source === inUse) return { kind: "vocabulary", vocabulary: this.#vocabulary! };
    if (vocabulary) source = { ...source, vocabulary: this.#vocabulary! };
    if (labels) source = await labelled(source, labels);
    if (architecture) return { kind: "open", source: await withArchitecture(source, architecture) };
    if (isInUse || !weights) return { kind: "open", source };
    this.#weights = source;
    return { kind: "kept", what: labels ? "labels" : "vocabulary", name: (labels ?? vocabulary)!.name, for: weights.fileName };
  }
}

function asFailure(error: unknown): unknown {
  return error instanceof ReaderError ? new Failure([error.problem], false) : error;
}

/** What the bundle and, over it, the user decided, as FORMAT.md wants it: by rising id. */
function chosen(bytes: Uint8Array, fileName: string, choices: Readonly<Record<string, string>>): Metadata {
  const before = metadataOfBundle(bytes, fileName).choices;
  const all = new Map([...(before ? Object.entries(JSON.parse(before) as Record<string, string>) : []), ...Object.entries(choices)]);
  const members = [...all].sort(([a], [b]) => compareUtf8(a, b));
  return members.length > 0 ? { choices: `{${members.map(([id, value]) => `${JSON.stringify(id)}:${JSON.stringify(value)}`).join(",")}}` } : {};
}

const NO_MODEL = (name: string): Problem => (
  { code: "no-model", where: name, expected: "a model to use it with", actual: "none", hint: "Drop the model first, or both together." }
);

function vocabularyOf({ bytes, name }: OpenedFile): Vocabulary {
  return { json: new TextDecoder().decode(bytes), fileName: name };
}

/** False as well where the bytes are no bundle in its binary form: the engine says what they are. */
function lacksArchitecture({ bytes, fileName }: ModelSource): boolean {
  try {
    return metadataOfBundle(bytes, fileName).model_config === undefined;
  } catch (error) {
    if (error instanceof ReaderError) return false;
    throw error;
  }
}

function withArchitecture(source: ModelSource, { bytes, name }: OpenedFile): Promise<ModelSource> {
  return added(source, { model_config: readArchitecture(bytes, name) });
}

function labelled(source: ModelSource, { bytes, name }: OpenedFile): Promise<ModelSource> {
  return added(source, readAnnotations(bytes, name));
}

async function added(source: ModelSource, metadata: Metadata): Promise<ModelSource> {
  return { ...source, bytes: await withMetadata(source.bytes, source.fileName, metadata), made: true };
}
