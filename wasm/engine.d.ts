/**
 * The engine's JavaScript interface, as `host.mjs` offers it. Text goes in as a string, numbers come out as typed arrays
 * that are copies (never views of the WebAssembly heap, which die when memory grows).
 *
 * Every function that can fail throws `EngineError` and nothing else; the Model or Session it was called on stays usable.
 * The exception is use after `delete()`, a mistake of the caller, which throws the bindings' own error.
 */

/** One thing that is wrong with a file, a model or an input. */
export interface Problem {
  /** Stable identifier of the cause, such as "shape-mismatch". Tests and translations go by it, people do not see it. */
  code: string;
  /** The file, layer, tensor or field it is about. */
  where: string;
  expected: string;
  actual: string;
  /** What to do about it; may be empty. */
  hint: string;
  /**
   * Id of the choice (`Engine.open`) that would settle it, such as "lambda:NAME" for a function that was not understood;
   * absent or empty where there is none.
   */
  choice?: string;
  /** All of it as a sentence, where the engine made it: the one that the converter and the command line print. */
  text?: string;
}

export class EngineError extends Error {
  /** All that is wrong, not only the first thing. Never empty. `message` says the same for people, a line each. */
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]);
}

/** Numbers with a shape, in C order. */
export interface NamedArray {
  /** Name of the Keras layer that computed it. */
  layer: string;
  shape: number[];
  values: Float32Array;
}

/** What an axis of a Signal runs along. */
export type SignalAxis = "head" | "feature" | "unit" | "query" | "step";

/**
 * Anything that gives every timestep a number. The page colours by any Signal and knows nothing of layers.
 *
 * `axes` says what each axis of `shape` runs along; the last is always "step", in the order of the text. A plain attention
 * vector is ["step"]; attention per feature ["feature", "step"]; of several heads over one query ["head", "step"]; self
 * attention ["query", "step"] or ["head", "query", "step"]; gates and states ["unit", "step"].
 */
export interface Signal extends NamedArray {
  /** Unique within a model and stable: the key for links and settings. */
  id: string;
  axes: SignalAxis[];
}

/**
 * Which timesteps of the model's input a step stands for: step i for `width` timesteps from `offset + i * stride` on (those
 * outside of the input do not exist). 1, 0, 1 where nothing shortened the sequence.
 */
export interface StepMap {
  /** Index into `ModelCard.inputs`. */
  input: number;
  stride: number;
  offset: number;
  width: number;
}

export interface SignalCard {
  /** The Signal's id. */
  id: string;
  layer: string;
  /** "attention" comes with every run; the others only from `Session.signal`. */
  kind: "attention" | "gate" | "state" | "gradient";
  axes: SignalAxis[];
  /** Size of each axis; null where the model takes any length. */
  shape: (number | null)[];
  /** What the steps stand for; null where they are not the timesteps of an input (those of a decoder, or words within sentences). */
  steps: StepMap | null;
  /** What the queries stand for; null where there is no "query" axis, or its queries are not timesteps of an input. */
  queries: StepMap | null;
  /** A softmax over an axis of length 1 is 1 everywhere: it says nothing about the text. */
  degenerate: boolean;
  /** How it was recognised, in a sentence: what it multiplies and where that is summed. */
  why: string;
}

/** Something that the file leaves open and the engine decided. */
export interface Assumption {
  /** Stable: the key for `Engine.open`'s choices, the command line's --assume and the bundle's `choices`. */
  id: string;
  /** In a sentence, for people. */
  text: string;
  /** What was decided. */
  value: string;
  /** What else it can be, `value` included; empty where there is nothing to choose. */
  options: { value: string; label: string }[];
  /** It can be something else than the options, too: a number, say. */
  open: boolean;
  /** Someone chose it; it is no assumption any more. */
  chosen: boolean;
}

/** What became of one code point of the text. */
export declare const Fate: {
  /** It has a position and an id of its own. */
  readonly Read: 0;
  /** Not in the vocabulary; read as the out-of-vocabulary id. */
  readonly UnknownRead: 1;
  /** Not in the vocabulary, and no id for such: left out, and what follows moved up. */
  readonly UnknownDropped: 2;
  /** In the vocabulary, but its id is not below num_words, and no id for such: left out. */
  readonly RareDropped: 3;
  /** Removed by the filters, or a separator between words (word-level models). */
  readonly Filtered: 4;
  /** Cut off: the text is longer than the model's input. */
  readonly Truncated: 5;
};

/** How a text met the model's input. Index i is a code point of the source text (not a UTF-16 unit). */
export interface TextMap {
  /** Number of code points in the source text. */
  length: number;
  /** Fate of each code point. */
  fate: Uint8Array;
  /** First timestep each code point covers, or -1. Lower-casing U+0130 gives two code points, hence `count`. */
  position: Int32Array;
  /** How many timesteps it covers: 0 where `position` is -1. */
  count: Uint8Array;
  /** The id each code point was read as (of its first timestep), or -1. */
  id: Int32Array;
}

export interface RunResult {
  /** The model's outputs, in Keras's order, batch axis included. */
  outputs: NamedArray[];
  /** Attention signals (those of `Session.watch`); empty for a batch of several rows, which has no one text to colour. */
  signals: Signal[];
  /** Index of the input that was just set: `ids`, `padding` and `text` are about it. */
  input: number;
  /** Model input ids, timestep by timestep (padding included); empty where the model is not fed ids. */
  ids: Int32Array;
  /** 1 where a timestep is padding. Same length as ids. */
  padding: Uint8Array;
  /** Absent where ids or numbers were given instead of text. */
  text?: TextMap;
}

export interface LayerCard {
  name: string;
  class_name: string;
  /** Output shape; null for batch and for variable timesteps. */
  shape: (number | null)[];
  parameters: number;
  /** Names of the layers it reads. */
  inputs: string[];
  /** What matters of its options, for people: "reset_after, hard_sigmoid". May be empty. */
  detail: string;
}

export interface TextEncoding {
  /** The model's own layer that reads text (TextVectorization, StringLookup), or null where the encoding came apart from it. */
  layer: string | null;
  unit: "char" | "word";
  /** Number of entries of the vocabulary. */
  tokens: number;
  /** Lower-cased first: as Unicode says, or A to Z only ("ascii"). */
  lower: boolean | "ascii";
  /** Characters left out before anything else. */
  strip: string;
  /** Id of unknown tokens, or null where they are dropped. */
  oov: number | null;
  pad: number;
  /** Id that every text begins with, or null. */
  start: number | null;
  padding: "pre" | "post";
  truncating: "pre" | "post";
  /** Timesteps, or null where as long as the text. */
  length: number | null;
  one_hot: boolean;
  /** What was assumed because nothing said so. */
  assumed: string[];
}

export interface ModelCard {
  title: string;
  source: { layout: string; file: string };
  keras_version: string;
  backend: string;
  licence: string;
  labels: string[];
  examples: { text: string; title?: string; note?: string }[];
  layers: LayerCard[];
  parameters: number;
  /** Bytes of the bundle. */
  bytes: number;
  /**
   * Those of kind "values" are fed numbers, zeros until they are set. Several inputs share the vocabulary they are given; where
   * the model itself reads text (TextVectorization), each has its own.
   */
  inputs: { layer: string; shape: (number | null)[]; kind: "ids" | "one_hot" | "values"; text: TextEncoding | null }[];
  outputs: { layer: string; shape: (number | null)[]; activation: string }[];
  attention: SignalCard[];
  /** Gates and states of recurrent layers, computed by `Session.signal` only. */
  states: SignalCard[];
  /**
   * What an output reacts to: "LAYER/gradient_x_input", its gradient times the vector at each step, and "LAYER/gradient_norm", the
   * gradient's Euclidean norm; for every place where text becomes vectors. Computed by `Session.signal` only.
   */
  gradients: SignalCard[];
  /**
   * Of the first input that text can be given to. null: it has no vocabulary, and text cannot be read until `Model.withText`
   * gives it one.
   */
  text: TextEncoding | null;
  /** What the reader assumed because the file does not say it. */
  assumptions: Assumption[];
  /** Notes worth a person's attention. */
  notes: string[];
  /** Number of parity cases that travel in the file. */
  parity_cases: number;
}

/** How far this engine, on this machine, is from Keras's own answers. */
export interface ParityReport {
  /** "Keras 2.15.0, tensorflow 2.15.1" */
  made_with: string;
  /** Largest differences over all cases; outputs and layers relative to max(1, |x|), attention absolute. */
  output_difference: number;
  attention_difference: number;
  /** Every case within 1e-5 (outputs, layers) and 1e-6 (attention), and every text gave Keras's ids. */
  agrees: boolean;
  cases: { name: string; output_difference: number; attention_difference: number; ids_agree: boolean; agrees: boolean; problem: string }[];
}

/** What gradients are taken of. */
export interface OutputElement {
  /** Which of the model's outputs; the first where not given. */
  output?: number;
  /** Its place in that output's shape, the batch axis left out; the largest element where null or not given. */
  index?: readonly number[] | null;
}

export interface Gradients {
  /** Name of the output's layer. */
  output: string;
  /** Place of the element there, the batch axis left out. */
  index: number[];
  /** d(element)/d(vectors) for every place where the text became vectors: (1, steps, features) each. */
  gradients: NamedArray[];
}

export class Session {
  /**
   * Encodes `text` as Keras would and runs the model on it. `input` (0 where not given) is which of the model's inputs it is
   * for; the others keep what they were last given, and before that are an empty text, or zeros.
   */
  setText(text: string, input?: number): RunResult;
  /** Runs the model on ids as they are; their number must be the model's timesteps where those are fixed. */
  setIds(ids: ArrayLike<number>, input?: number): RunResult;
  /** Runs the model on numbers, for inputs that are not fed ids. `shape` includes the batch axis. */
  setInput(values: Float32Array, shape: number[], input?: number): RunResult;
  /** Limits the signals of further runs to these ids; null: all attention signals, as at first. */
  watch(ids: string[] | null): void;
  /**
   * A signal of the last run. One of `ModelCard.states` is computed now, by running that layer once more; one of
   * `ModelCard.gradients`, too, by going back through the model from an element of its outputs.
   */
  signal(id: string, of?: OutputElement): Signal;
  /** The gradients of an element of the outputs in the last run, of one text. */
  gradient(of?: OutputElement): Gradients;
  /**
   * Whether stateful layers (`stateful` in `LayerCard.detail`) go on with the states of the run before, as in Keras, or start
   * from zero in every run. False at first, so that what a text gives does not depend on what was run before.
   */
  carryStates(carry: boolean): void;
  /** What Keras calls reset_states: stateful layers start from zero in the next run. */
  resetStates(): void;
  /** What a layer attends with, as Keras shapes it: its weights where it attends inside, its output otherwise. */
  attention(layer: string): NamedArray;
  /**
   * Output of any layer in the last run, by name; of a layer that is called several times, its first call. Further tensors
   * of a layer that gives several are "name:1", "name:2" …
   */
  layer(name: string): NamedArray;
  delete(): void;
}

/** A comparison with Keras's own numbers that is still going on. */
export class Verification {
  /** Runs one more of the parity cases. false where there was none left. */
  next(): boolean;
  /** On the cases that were run so far; null where there are none. */
  report(): ParityReport | null;
  delete(): void;
}

export class Model {
  readonly card: ModelCard;
  /**
   * The same model with another text encoding. `vocabulary` is the content of a Keras Tokenizer's `to_json()`, of a
   * {token: id} or {id: token} JSON, of a JSON list of tokens or string of characters, or of a `text` object of FORMAT.md section 5. Weights are shared, not copied.
   */
  withText(vocabulary: string, fileName: string): Model;
  /** Runs the parity cases that travel in the file. null where there are none. */
  verify(): ParityReport | null;
  /** The same, a case at a time. */
  verification(): Verification;
  newSession(): Session;
  /**
   * The outputs for many texts, in Keras's order, with a row for each text: as `Session.setText` would give one after the
   * other, bit for bit, but texts go through the model together, and what they have in common is computed once. `input` as in
   * `Session.setText`. Throws where one text is refused, and names it by its number; texts of different lengths are refused
   * where the model takes any length and its outputs have a step for each of the text's.
   */
  runTexts(texts: readonly string[], input?: number): NamedArray[];
  delete(): void;
}

/**
 * Which of the engines that were built this machine runs best: "engine-relaxed" (with fused multiply-adds, only built by newer
 * Emscriptens), "engine" (SIMD) or "engine-scalar" (plain WebAssembly, for browsers and processors without SIMD; some three times
 * slower). All have the same interface and take the same glue. Throws EngineError "engine-missing" where none of them runs.
 * `validate`: WebAssembly.validate, to be replaced in tests.
 */
export declare function engineFor(built: readonly string[], validate?: (bytes: Uint8Array) => boolean): "engine-relaxed" | "engine" | "engine-scalar";

export class Engine {
  /**
   * @param factory default export of the Emscripten module (`engine.mjs`)
   * @param wasm `engine.wasm`, its bytes or compiled already: given, never fetched, so that a page's CSP can forbid all fetching
   * @param rest gives `engine.rest.wasm`, with the functions that opening and running the sample model does not call; asked once,
   *   in the midst of the call that needs one of them, and not at all by an engine that was not split. What it throws goes through
   *   to whoever made that call, and the engine is of no further use then.
   */
  static load(
    factory: (options: object) => Promise<unknown>,
    wasm: ArrayBuffer | Uint8Array | WebAssembly.Module,
    rest?: () => ArrayBuffer | Uint8Array | WebAssembly.Module,
  ): Promise<Engine>;
  /**
   * Reads a bundle (either form of FORMAT.md). The bytes are copied; the array may be reused. `choices` overrides assumptions,
   * id to value, on top of the bundle's own `choices`; an id that decides nothing here is an error.
   */
  open(bytes: Uint8Array, fileName: string, choices?: Record<string, string>): Model;
  /**
   * What a vocabulary, in a form that `Model.withText` reads, becomes in a bundle: the JSON of its `text` (FORMAT.md section 5),
   * byte for byte as the converter writes it. Whether it fits a model is not asked.
   */
  textObject(vocabulary: string, fileName: string): string;
  /** Every class of layer that the engine runs by its name. Custom attention layers are recognised by their weights besides. */
  layers(): string[];
  /** Whether a key of a layer's configuration cannot change what the layer computes, in any Keras. */
  isHarmless(option: string): boolean;
  /** Version of the engine. */
  readonly version: string;
}

/**
 * A vocabulary for `Model.withText`: the charset's i-th code point gets id `firstId + i` (1 where not given, so that 0 stays
 * free for padding). Throws EngineError where a code point occurs twice.
 */
export function charsetEncoding(charset: string, firstId?: number): string;
