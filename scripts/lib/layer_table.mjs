/**
 * The README's table of layers: what the engine's registry names, and in which generation of Keras which of its options are
 * shown by a fixture. Pure.
 *
 * @typedef {{generation: string, config: any}} Fixture `config` is the model's architecture
 * @typedef {{layers: string[], isHarmless: (option: string) => boolean}} Registry what the engine says of itself
 * @typedef {{layer: string, also?: string[], option?: string, value?: unknown, why: string}} Refusal `also`: classes refused alike
 * @typedef {Map<string, Set<string>>} Values a value in words, and the generations that show it
 * @typedef {{generations: Set<string>, options: Map<string, Values>, count: Map<string, number>}} Use
 */
import { UserError } from "./say.mjs";

/** Generation to the head of its column, from the oldest on. @type {Record<string, string>} */
const COLUMNS = { "keras-1.2": "1.2", "keras-2.1": "2.1", "keras-2.2": "2.2", "tf-1.15": "TF 1.15", "keras-2.13": "2.13", "keras-2.15": "2.15", "keras-3": "3" };

const MODELS = new Set(["Model", "Functional", "Sequential"]);

/** Cells stand in a table of their own only as what RNN runs. */
const isCell = (/** @type {string} */ name) => /Cells?$/.test(name);

/** What Keras 1 calls a layer, and an option. @type {Record<string, string>} */
const KERAS_1_LAYERS = { Convolution1D: "Conv1D", AtrousConvolution1D: "Conv1D" };
/** Its Merge is one layer for all of these, by its mode; with "cos" it stays one of its own. @type {Record<string, string>} */
const KERAS_1_MERGES = { mul: "Multiply", sum: "Add", ave: "Average", max: "Maximum", concat: "Concatenate", dot: "Dot" };
/** @type {Record<string, string>} */
const KERAS_1_OPTIONS = {
  inner_activation: "recurrent_activation",
  border_mode: "padding",
  subsample_length: "strides",
  atrous_rate: "dilation_rate",
  pool_length: "pool_size",
  stride: "strides",
  bias: "use_bias",
};

/** What every model has its own of, or what does nothing at inference: no options to tell of. */
const OF_A_MODEL = new Set([
  ...["units", "input_dim", "output_dim", "filters", "nb_filter", "filter_length", "kernel_size", "step_dim", "attention_dim"],
  ...["n", "target_shape", "vocabulary", "vocabulary_size", "function", "function_type", "arguments", "output_shape", "dtype"],
  ...["output_shape_type", "output_shape_module", "module"],
  ...["num_heads", "key_dim", "value_dim", "query_shape", "key_shape", "value_shape", "rate", "stddev", "sigma", "p", "momentum"],
]);

/** Classes of the registry whose name others use as well, and the option by which Keras's own is known. @type {Record<string, string>} */
const KNOWN_BY = { Attention: "use_scale" };

/** What the engine reads the code of: it becomes operations. */
const OF_CODE = "Lambda";

/** What reads the text itself, in front of a model: it becomes the model's text encoding. */
const OF_TEXT = new Set(["TextVectorization", "StringLookup"]);

/** @param {any} value @returns {string} an option's value in words */
function told(value) {
  if (Array.isArray(value)) return value.every((item) => typeof item !== "object" || item === null) ? JSON.stringify(value) : value.map(told).join(" + ");
  if (value && typeof value === "object") return value.class_name === "function" ? String(value.config) : value.class_name ? String(value.class_name) : "…";
  return String(value);
}

/**
 * Every layer of an architecture, those inside of models, wrappers and cells too, and operations as Keras writes them.
 * @param {any} node @returns {{className: string, config: any, operation: boolean}[]}
 */
export function layersOf(node) {
  if (Array.isArray(node)) return node.flatMap(layersOf);
  if (!node || typeof node !== "object") return [];
  // How it was trained has classes as well: optimisers, losses.
  const inner = Object.entries(node).flatMap(([key, value]) => (key === "compile_config" ? [] : layersOf(value)));
  const { class_name: className, config } = node;
  if (typeof className !== "string" || config === null || typeof config !== "object" || MODELS.has(className)) return inner;
  // Initialisers, regularisers, policies and tensors have a class too, but no name of their own.
  if (typeof config.name !== "string" || /Polic(y|yMap)$/.test(className)) return inner;
  const operation = /OpLambda$/.test(className) || !("trainable" in config || className === "InputLayer");
  return [{ className: className.split(">").at(-1) ?? className, config, operation }, ...inner];
}

/**
 * @param {Fixture[]} fixtures @param {Registry} registry
 * @returns {{layers: Map<string, Use>, text: Map<string, Use>, custom: Map<string, Use>, operations: Map<string, Use>}} by class, or
 * by an operation's name
 */
export function collect(fixtures, registry) {
  const registered = new Set(registry.layers);
  const found = { layers: new Map(), text: new Map(), custom: new Map(), operations: new Map() };
  for (const { generation, config } of fixtures) {
    for (const layer of layersOf(config)) {
      if (isCell(layer.className)) continue;
      const merge = layer.className === "Merge" ? KERAS_1_MERGES[layer.config.mode] : undefined;
      const name = merge ?? KERAS_1_LAYERS[layer.className] ?? layer.className;
      const keras = registered.has(name) && (!(name in KNOWN_BY) || String(KNOWN_BY[name]) in layer.config);
      const table = keras || name === OF_CODE
        ? found.layers
        : OF_TEXT.has(name)
          ? found.text
          : layer.operation
            ? found.operations
            : found.custom;
      const key = layer.className === "TFOpLambda" ? String(layer.config.function ?? layer.config.name) : name;
      /** @type {Use} */
      const use = table.get(key) ?? { generations: new Set(), options: new Map(), count: new Map() };
      table.set(key, use);
      use.generations.add(generation);
      for (const [key, value] of Object.entries(layer.config)) {
        const option = KERAS_1_OPTIONS[key] ?? key;
        if (registry.isHarmless(key) || OF_A_MODEL.has(key)) continue;
        const values = use.options.get(option) ?? new Map();
        use.options.set(option, values);
        const text = told(value);
        values.set(text, (values.get(text) ?? new Set()).add(generation));
        use.count.set(`${option}=${text}`, (use.count.get(`${option}=${text}`) ?? 0) + 1);
      }
    }
  }
  return found;
}

/** @param {Set<string>} some @param {Set<string>} all @returns {string} nothing where they are the same, else which */
const only = (some, all) =>
  some.size === all.size ? "" : ` (${Object.keys(COLUMNS).filter((name) => some.has(name)).map((name) => COLUMNS[name]).join(", ")})`;

/** Of more values than this only the option's name is told. */
const MANY = 40;

/** @param {Iterable<Set<string>>} sets @returns {Set<string>} */
const union = (sets) => new Set([...sets].flatMap((one) => [...one]));

/**
 * The options of a layer that differ among fixtures, with the values that fixtures show; of numbers, and of whatever
 * else is no name, the option alone.
 * @param {Use} use
 */
function optionsText({ generations, options, count }) {
  const times = (/** @type {string} */ option, /** @type {string} */ value) => count.get(`${option}=${value}`) ?? 0;
  return [...options]
    .filter(([, values]) => values.size > 1)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([option, values]) => {
      const names = [...values.keys()].sort((a, b) => times(option, a) - times(option, b) || (a < b ? -1 : 1));
      const common = names.at(-1);
      const shown = only(union([...values].filter(([value]) => value !== common).map(([, where]) => where)), generations);
      if (names.length > MANY || !names.every((value) => /^[A-Za-z_]\w*( \+ \w+)*$/.test(value))) return `\`${option}\`${shown}`;
      return `\`${option}\` ${names.sort().map((value) => `${value}${only(values.get(value) ?? new Set(), generations)}`).join(", ")}`;
    })
    .join(" · ");
}

/** @param {string[]} cells */
const row = (cells) => `| ${cells.join(" | ")} |`;

/** @param {Set<string>} generations */
const marks = (generations) => Object.keys(COLUMNS).map((name) => (generations.has(name) ? "✓" : ""));

/** @param {Map<string, Use>} table */
const byName = (table) => {
  const key = (/** @type {string} */ name) => `${name.toLowerCase()} ${name}`;
  return [...table].sort(([a], [b]) => (key(a) < key(b) ? -1 : 1));
};

/**
 * @param {Fixture[]} fixtures those that the engine runs @param {Registry} registry @param {Refusal[]} refusals
 * @returns {string} Markdown
 * @throws {UserError} where a registered class has no fixture, or a fixture's generation no column
 */
export function layerTable(fixtures, registry, refusals) {
  const unknown = new Set(fixtures.map(({ generation }) => generation).filter((name) => !(name in COLUMNS)));
  if (unknown.size) throw new UserError(`README table: expected generations ${Object.keys(COLUMNS).join(", ")}, found ${[...unknown].join(", ")}.`);
  const { layers, text, custom, operations } = collect(fixtures, registry);
  const without = registry.layers.filter((name) => !layers.has(name));
  if (without.length) throw new UserError(`tests/fixtures: expected a fixture with each registered layer, found none with ${without.join(", ")}.`);

  const head = [row(["layer", "options", ...Object.values(COLUMNS)]), row(["---", "---", ...Object.keys(COLUMNS).map(() => ":-:")])];
  const names = [...registry.layers, ...(layers.has(OF_CODE) && !registry.layers.includes(OF_CODE) ? [OF_CODE] : [])];
  const rows = names.map((name) => {
    const use = /** @type {Use} */ (layers.get(name));
    return row([`\`${name}\``, optionsText(use), ...marks(use.generations)]);
  });
  const rowsOf = (/** @type {Map<string, Use>} */ table) =>
    byName(table).map(([name, use]) => row([`\`${name}\``, optionsText(use), ...marks(use.generations)]));
  const operationRows = Object.keys(COLUMNS).flatMap((generation) => {
    const names = byName(operations).filter(([, use]) => use.generations.has(generation)).map(([name]) => `\`${name}\``);
    return names.length ? [row([String(COLUMNS[generation]), names.join(", ")])] : [];
  });
  const refused = refusals.map(({ layer, also = [], option, value, why }) =>
    row([[layer, ...also].map((name) => `\`${name}\``).join(", "), option === undefined ? "" : `\`${option}\` ${value === undefined ? "" : told(value)}`.trim(), why]),
  );
  return [
    "✓: a fixture made by that Keras shows it. In brackets: where only some of the generations' fixtures do.",
    "",
    ...head,
    ...rows,
    ...(text.size ? ["", "In front of a model, as its text encoding:", "", ...head, ...rowsOf(text)] : []),
    ...(custom.size ? ["", "By their weights and options, whatever the class is called:", "", ...head, ...rowsOf(custom)] : []),
    ...(operationRows.length ? ["", "Operations outside of layers:", "", row(["Keras", "operations"]), row(["---", "---"]), ...operationRows] : []),
    ...(refused.length ? ["", "Refused, and why:", "", row(["layer", "option", "why"]), row(["---", "---", "---"]), ...refused] : []),
  ].join("\n");
}

const BEGIN = "<!-- made by `npm run table` -->";
const END = "<!-- end of what `npm run table` makes -->";

/** @param {string} readme @param {string} table @returns {string} @throws {UserError} where the README has no place for it */
export function withTable(readme, table) {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (begin < 0 || end < begin) throw new UserError(`README.md: expected the lines "${BEGIN}" and "${END}", found none.`);
  return `${readme.slice(0, begin + BEGIN.length)}\n${table}\n${readme.slice(end)}`;
}
