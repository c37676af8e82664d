/**
 * What a visitor does with the sample model before any other one comes: all that the page's worker asks of the engine then.
 * split.mjs finds out by it which functions a first visit runs.
 */

/** Texts that go every way through reading a text: none, all lengths, unknown characters, capitals, characters that lower-casing changes in number. */
const TEXTS = [
  "", "a", "WINNER! Call 0906 1234567 now to claim your £1000 prize", "WINNER! Call 0906 1234567 now to claim your £1,000 prize",
  "İstanbul, ΟΔΟΣ, ẞ", "日本語 \u{1F600}\u{1F468}\u{200D}\u{1F469} \ud800 \t\n", "x".repeat(249), "y".repeat(250), `${"z ".repeat(130)}end`,
  "Now is the time for all good men. ".repeat(3000),
];

/** Numbers from 0 to below `limit`, the same in every run. @param {number} seed */
function random(seed) {
  let state = seed;
  return (/** @type {number} */ limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** Edits anywhere in a text, as somebody types. @param {string} text @param {number} count @returns {string[]} */
function edits(text, count) {
  const below = random(1);
  const texts = [];
  for (let i = 0; i < count; i++) {
    const at = below(text.length + 1);
    const removed = below(3) === 0 ? below(6) : 0;
    const put = "etaoin SHRDLU 0123456789.,!?£é€".slice(below(30)).slice(0, below(4));
    text = (text.slice(0, at) + put + text.slice(at + removed)).slice(0, 260);
    texts.push(text);
  }
  return texts;
}

/**
 * @param {import("../../wasm/host.mjs").Engine} engine
 * @param {Uint8Array} sample bundle of the model that the page opens by itself
 */
export function visit(engine, sample) {
  // Twice: a worker that died is replaced, and its successor opens the model again.
  for (let time = 0; time < 2; time++) {
    const model = engine.open(sample, "sample.safetensors");
    const { attention, examples } = model.card;
    const session = model.newSession();
    session.watch([]);
    const all = [...examples.map((/** @type {{text: string}} */ { text }) => text), ...TEXTS, ...edits(TEXTS[2] ?? "", 150)];
    for (const text of all) {
      session.setText(text);
      for (const { id } of attention) session.signal(id);
    }
    const verification = model.verification();
    while (verification.next());
    if (!verification.report()?.agrees) throw new Error("the sample: expected Keras's own numbers, found others");
    verification.delete();
    session.delete();
    model.delete();
  }
}
