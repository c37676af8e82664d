// The engine for JavaScript: what engine.d.ts describes, on top of the handles of bindings.cpp. Used as it is by the
// page's worker and by the command line under Node.

/** See engine.d.ts. */
export const Fate = Object.freeze({
  Read: 0,
  UnknownRead: 1,
  UnknownDropped: 2,
  RareDropped: 3,
  Filtered: 4,
  Truncated: 5,
});

export class EngineError extends Error {
  /** @param {{code: string, where: string, expected: string, actual: string, hint: string, text?: string}[]} problems */
  constructor(problems) {
    super(problems.map((problem) => problem.text ?? problem.code).join("\n"));
    this.name = "EngineError";
    this.problems = problems;
  }
}

/** A function that gives a v128, and one that adds by a relaxed instruction: a machine without them finds such a module invalid. */
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];
const RELAXED = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11];

/** See engine.d.ts. */
export function engineFor(built, validate = (bytes) => WebAssembly.validate(bytes)) {
  const runs = { "engine-relaxed": () => validate(Uint8Array.from(RELAXED)), engine: () => validate(Uint8Array.from(SIMD)), "engine-scalar": () => true };
  const name = Object.keys(runs).find((each) => built.includes(each) && runs[each]());
  if (!name) throw refusal("engine-missing", "the engine", "one for a machine without SIMD among those that were built", built.join(", ") || "none");
  return name;
}

/** An EngineError of the host's own, in the engine's words. */
function refusal(code, where, expected, actual, hint = "") {
  const text = `${where}: expected ${expected}, found ${actual}.${hint && ` ${hint}`}`;
  return new EngineError([{ code, where, expected, actual, hint, text }]);
}

/** The value of a binding's answer; throws its problems. */
function unwrap(answer) {
  if (answer.problems) throw new EngineError(answer.problems);
  return answer.value;
}

/** Code points of a string. A lone surrogate is a code point of its own, as in Python. */
function codePoints(text) {
  const points = new Uint32Array(text.length);
  let count = 0;
  for (const character of text) points[count++] = character.codePointAt(0);
  return points.slice(0, count);
}

/** A name without lone surrogates, which the bindings of older Emscripten versions mangle together with their neighbour. */
function wellFormed(name) {
  return new TextDecoder().decode(new TextEncoder().encode(name));
}

/** Numbers as 32-bit integers; a typed array would round or wrap in silence what is none. */
function wholeNumbers(list, where) {
  return Int32Array.from(list, (number) => {
    if (Number.isInteger(number) && Math.abs(number) < 2 ** 31) return number;
    throw refusal("not-whole", where, "whole numbers of 32 bits", String(number));
  });
}

/** A count or an index. */
function wholeNumber(number, where) {
  if (Number.isInteger(number) && number >= 0 && number < 2 ** 31) return number;
  throw refusal("not-whole", where, "a whole number from 0", String(number));
}

/** An OutputElement of engine.d.ts as the bindings take it. */
function elementOf({ output = 0, index = null }) {
  return [wholeNumber(output, "output"), wholeNumbers(index ?? [], "index")];
}

function identity(count) {
  const numbers = new Uint32Array(count);
  for (let index = 0; index < count; index++) numbers[index] = index;
  return numbers;
}

/** A text as the engine takes it: its length in code points, those to read, and where each of them came from. */
function sourceText(text, lowers) {
  const points = codePoints(text);
  return { length: points.length, ...(lowers ? lowerCase(text) : { text: points, origin: identity(points.length) }) };
}

/**
 * Lower-cases the whole text, as Python's str.lower: rules that look at the neighbours (final sigma) need all of it.
 * `origin` tells for each code point which one of the text it came from. Only U+0130 becomes two (i, U+0307).
 */
function lowerCase(text) {
  const lowered = codePoints(text.toLowerCase());
  const origin = new Uint32Array(lowered.length);
  let at = 0;
  let index = 0;
  for (const character of text) {
    const width = character === "\u0130" ? 2 : 1;
    for (let i = 0; i < width && at < origin.length; i++) origin[at++] = index;
    index++;
  }
  if (at !== lowered.length) {
    throw refusal(
      "lower-case",
      "the text",
      `${at} code points in lower case`,
      `${lowered.length}`,
      "This browser lower-cases a character in a way charglow does not know; please report the text.",
    );
  }
  return { text: lowered, origin };
}

export class Session {
  #handle;
  #lowers;

  /** @param lowers for each of the model's inputs: whether a text for it is lower-cased here */
  constructor(handle, lowers) {
    this.#handle = handle;
    this.#lowers = lowers;
  }

  setText(text, input = 0) {
    const source = sourceText(text, this.#lowers[input]);
    return unwrap(this.#handle.setText(source.length, source.text, source.origin, wholeNumber(input, "input")));
  }

  setIds(ids, input = 0) {
    return unwrap(this.#handle.setIds(wholeNumbers(ids, "ids"), wholeNumber(input, "input")));
  }

  setInput(values, shape, input = 0) {
    return unwrap(this.#handle.setInput(Float32Array.from(values), wholeNumbers(shape, "shape"), wholeNumber(input, "input")));
  }

  watch(ids) {
    unwrap(this.#handle.watch(ids === null ? null : ids.map(wellFormed)));
  }

  carryStates(carry) {
    unwrap(this.#handle.carryStates(Boolean(carry)));
  }

  resetStates() {
    unwrap(this.#handle.resetStates());
  }

  signal(id, of = {}) {
    return unwrap(this.#handle.signal(wellFormed(id), ...elementOf(of)));
  }

  gradient(of = {}) {
    const { index, ...rest } = unwrap(this.#handle.gradient(...elementOf(of)));
    return { ...rest, index: Array.from(index) };
  }

  attention(layer) {
    return unwrap(this.#handle.attention(wellFormed(layer)));
  }

  layer(name) {
    return unwrap(this.#handle.layer(name));
  }

  delete() {
    this.#handle.delete();
  }
}

export class Verification {
  #handle;

  constructor(handle) {
    this.#handle = handle;
  }

  next() {
    return unwrap(this.#handle.next());
  }

  report() {
    return unwrap(this.#handle.report());
  }

  delete() {
    this.#handle.delete();
  }
}

export class Model {
  #handle;
  #lowers;

  constructor(handle) {
    this.#handle = handle;
    this.card = JSON.parse(unwrap(handle.card()));
    this.#lowers = this.card.inputs.map((input) => input.text?.lower === true);
  }

  withText(vocabulary, fileName) {
    // Bytes, since the bindings of older Emscripten versions mangle strings with lone surrogates.
    return new Model(unwrap(this.#handle.withText(new TextEncoder().encode(vocabulary), wellFormed(fileName))));
  }

  verification() {
    const lower = (points) => lowerCase(Array.from(points, (point) => String.fromCodePoint(point)).join(""));
    return new Verification(unwrap(this.#handle.verification(lower)));
  }

  verify() {
    const verification = this.verification();
    try {
      while (verification.next());
      return verification.report();
    } finally {
      verification.delete();
    }
  }

  newSession() {
    return new Session(unwrap(this.#handle.newSession()), this.#lowers);
  }

  runTexts(texts, input = 0) {
    const sources = Array.from(texts, (text) => sourceText(text, this.#lowers[input]));
    return unwrap(this.#handle.runTexts(sources, wholeNumber(input, "input")));
  }

  delete() {
    this.#handle.delete();
  }
}

/**
 * Imports of an engine that was split (scripts/lib/split.mjs) which stand for functions of its rest: each loads the rest, whose
 * functions then lie in the table in their placeholders' stead, and calls the one that was meant, whose place is its name.
 *
 * @param {WebAssembly.Module} module the engine's first part
 * @param {object} imports what its glue provides; whatever the module imports besides is a placeholder
 * @param {() => WebAssembly.Instance} primary
 * @param {(() => BufferSource | WebAssembly.Module) | undefined} rest
 */
function placeholders(module, imports, primary, rest) {
  let table;
  const load = () => {
    if (!rest) throw refusal("rest-missing", "the engine", "its second part", "none");
    const given = rest();
    const compiled = given instanceof WebAssembly.Module ? given : new WebAssembly.Module(given);
    const { exports } = primary();
    // It imports from its first part only, whatever it calls that.
    new WebAssembly.Instance(compiled, Object.fromEntries(WebAssembly.Module.imports(compiled).map(({ module: from }) => [from, exports])));
    return Object.values(exports).find((each) => each instanceof WebAssembly.Table);
  };
  const all = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    if (from in imports) continue;
    (all[from] ??= {})[name] = (...values) => (table ??= load()).get(Number(name))(...values);
  }
  return all;
}

export class Engine {
  #module;

  constructor(module) {
    this.#module = module;
    this.version = module.version();
  }

  static async load(factory, wasm, rest) {
    const compiled = wasm instanceof WebAssembly.Module ? wasm : await WebAssembly.compile(wasm);
    // Emscripten's own promise says nothing of an instance that cannot be made: that is told from here.
    const module = await new Promise((resolve, reject) => {
      const instantiateWasm = (imports, receive) => {
        let primary;
        const all = { ...imports, ...placeholders(compiled, imports, () => primary, rest) };
        WebAssembly.instantiate(compiled, all).then((instance) => receive((primary = instance), compiled)).catch(reject);
        return {};
      };
      factory({ instantiateWasm }).then(resolve, reject);
    });
    return new Engine(module);
  }

  textObject(vocabulary, fileName) {
    return unwrap(this.#module.textObject(new TextEncoder().encode(vocabulary), wellFormed(fileName)));
  }

  open(bytes, fileName, choices = {}) {
    const pairs = Object.entries(choices).flat().map((text) => wellFormed(String(text)));
    return new Model(unwrap(this.#module.openModel(bytes, wellFormed(fileName), pairs)));
  }

  layers() {
    return this.#module.layers();
  }

  isHarmless(option) {
    return this.#module.isHarmless(wellFormed(option));
  }
}

/** See engine.d.ts. */
export function charsetEncoding(charset, firstId = 1) {
  const vocabulary = {};
  Array.from(charset).forEach((character, index) => {
    if (Object.hasOwn(vocabulary, character)) {
      throw refusal("charset-duplicate", "the charset", "each character once", `${JSON.stringify(character)} twice`);
    }
    Object.defineProperty(vocabulary, character, { value: firstId + index, enumerable: true });
  });
  return JSON.stringify(vocabulary);
}
