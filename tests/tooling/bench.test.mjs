/** The benchmark's arithmetic: what turns samples into statements. Nothing is timed. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bestOf, faster, verdicts } from "../../scripts/bench/lib/aims.mjs";
import { difference } from "../../scripts/bench/lib/contestants.mjs";
import { withSection } from "../../scripts/bench/lib/readme.mjs";
import { tables } from "../../scripts/bench/lib/report.mjs";
import { measureRounds } from "../../scripts/bench/lib/rounds.mjs";
import { fitPower, median, quantile, ratio, shareOfLimit, summary } from "../../scripts/bench/lib/stats.mjs";
import { digits, markdownTable, size, spread, textTable, time } from "../../scripts/bench/lib/table.mjs";
import { freshTexts, keystrokes, manyTexts, referenceStep } from "../../scripts/bench/lib/workload.mjs";
import { makeHost } from "../../scripts/bench/runners/host.mjs";
import { limitOf, recurrenceOf } from "../../scripts/bench/runners/simd_rate.mjs";
import { ROOT } from "../../scripts/lib/paths.mjs";

test("median and quartiles, of any order and any number of values", () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([7]), 7);
  assert.equal(quantile([10, 20, 30, 40, 50], 0.25), 20);
  assert.equal(quantile([0, 10], 0.75), 7.5);
  assert.deepEqual(summary([5, 1, 4, 2, 3]), { median: 3, q1: 2, q3: 4, min: 1, n: 5 });
  assert.throws(() => median([]), /found none/);
});

test("quantiles sort as numbers and leave the samples as they are", () => {
  const samples = [10, 9, 100];
  assert.equal(median(samples), 10);
  assert.deepEqual(samples, [10, 9, 100]);
});

test("a ratio compares within rounds: a slow round of both changes nothing", () => {
  assert.equal(ratio([2, 200, 2.2], [1, 100, 1.1]), 2);
  assert.equal(ratio([3], [1, 1, 50]), 3); // only the rounds that both were in
  assert.equal(ratio([3, 90, 90], [1]), 3);
});

test("a share of a limit: a disturbed round of the limit does not raise it", () => {
  assert.equal(shareOfLimit([4, 4, 4], [5, 5, 5]), 0.8);
  assert.equal(shareOfLimit([9, 4, 11], [5, 20, 5]), 0.8);
});

test("the exponent of known powers", () => {
  const of = (exponent, factor) => [50, 100, 250, 4000].map((x) => [x, factor * x ** exponent]);
  for (const exponent of [1, 2, 0.5]) {
    const fit = fitPower(of(exponent, 3));
    assert.ok(Math.abs(fit.exponent - exponent) < 1e-12);
    assert.ok(Math.abs(fit.factor - 3) < 1e-9);
  }
  // A constant part makes small sizes dearer, and the exponent smaller.
  assert.ok(fitPower(of(1, 1).map(([x, y]) => [x, y + 20])).exponent < 1);
  assert.throws(() => fitPower([[1, 1], [1, 2]]), /two different x/);
  assert.throws(() => fitPower([[1, 0], [2, 2]]), /positive/);
});

test("numbers with three digits, times, sizes", () => {
  assert.deepEqual([0.51234, 5.1234, 51.234, 512.34, 5123.4, 0].map(digits), ["0.512", "5.12", "51.2", "512", "5123", "0.00"]);
  assert.deepEqual([5.1234, 1234].map(time), ["5.12 ms", "1.23 s"]);
  assert.deepEqual([66_912, 1_356_041].map(size), ["66.9 KB", "1.36 MB"]);
  assert.equal(spread({ median: 5.12, q1: 5, q3: 5.3, min: 4, n: 9 }), "5.12 ms (5.00–5.30)");
  assert.equal(spread({ median: 1500, q1: 1400, q3: 1600, min: 1, n: 9 }), "1.50 s (1.40–1.60)");
  assert.equal(spread({ median: 767, q1: 767, q3: 767, min: 767, n: 1 }), "767 ms (one run)");
});

test("tables for the terminal and in Markdown; an uneven row is a mistake", () => {
  const rows = [["", "time"], ["one", "5 ms"], ["another", "12 ms"]];
  assert.equal(textTable(rows), "          time\n───────  ─────\none       5 ms\nanother  12 ms");
  assert.equal(markdownTable([["", "a|b"], ["x", "1"]]), "|  | a\\|b |\n| --- | --: |\n| x | 1 |");
  assert.throws(() => textTable([["a", "b"], ["c"]]), /expected 2 cells/);
  assert.throws(() => markdownTable([["a"], ["c", "d"]]), /expected 1 cells/);
});

test("the recurrence's multiply-adds, and what they take at the kernel's rate", () => {
  // 250 steps of a vector of 250 times a matrix (250, 750), four columns at once; 750 columns are 24 blocks of 32.
  assert.deepEqual(recurrenceOf({ steps: 250, units: 250 }), { multiplyAdds: 11_718_750, floats: 250 * 768 });
  assert.deepEqual(recurrenceOf({ steps: 10, units: 32 }), { multiplyAdds: (10 * 32 * 96) / 4, floats: 32 * 96 });
  // 12 million in 4 ms: 11.72 million of them take as much less.
  assert.ok(Math.abs(limitOf(4, 12_000_000, 11_718_750) - 3.90625) < 1e-9);
});

const SPEC = { name: "m", steps: 10, units: 4, embedding: 3, unit: "char", tokens: ["a", "b", "c", "d", "e"] };

test("fresh texts: as long as the input; no neighbours begin or end alike, round and round", () => {
  const steps = freshTexts(SPEC, 5);
  steps.forEach(({ rows: [row], texts: [text] }, index) => {
    const next = steps[(index + 1) % steps.length].rows[0];
    assert.equal(row.length, 10);
    assert.equal(text.length, 10);
    assert.notEqual(row[0], next[0]);
    assert.notEqual(row[9], next[9]);
    assert.deepEqual([...text].map((character) => SPEC.tokens.indexOf(character) + 1), row);
  });
});

test("keystrokes: one token more at its place, padded in front, taken back in between, never the same twice", () => {
  for (const [place, at] of [["end", 6], ["middle", 3], ["front", 0]]) {
    const steps = keystrokes(SPEC, place, 6, 4);
    assert.equal(steps.length, 8);
    assert.deepEqual(steps.map(({ timed }) => timed), [false, true, false, true, false, true, false, true]);
    const base = steps[0].texts[0];
    assert.equal(base.length, 6);
    const typed = steps.filter(({ timed }) => timed);
    for (const { texts: [text], rows: [row] } of typed) {
      assert.equal(text.slice(0, at) + text.slice(at + 1), base);
      assert.deepEqual(row.slice(0, 3), [0, 0, 0]);
      assert.ok(row[3] > 0);
    }
    typed.forEach(({ texts: [text] }, index) => assert.notEqual(text, typed[(index + 1) % typed.length].texts[0]));
  }
});

test("many texts: one step, rows as long as the input; words are joined by spaces", () => {
  const { rows, texts } = manyTexts({ ...SPEC, steps: 30, unit: "word" }, 7);
  assert.equal(rows.length, 7);
  assert.ok(rows.every((row) => row.length === 30));
  assert.ok(texts.every((text) => text.split(" ").length >= 20));
  assert.ok(new Set(texts.map((text) => text.length)).size > 1);
});

test("Keras's rows as texts: without the padding", () => {
  assert.deepEqual(referenceStep(SPEC, [[0, 0, 0, 0, 0, 0, 0, 1, 2, 3]]).texts, ["abc"]);
  assert.deepEqual(referenceStep({ ...SPEC, embedding: 0 }, [[0, 0.5]]), { timed: true, rows: [[0, 0.5]] });
});

test("agreement with Keras: the largest difference; missing numbers and NaN agree with nothing", () => {
  assert.equal(difference([1, 2], [1, 2.5]), 0.5);
  assert.equal(difference([1, 2], [1]), Infinity);
  assert.equal(difference([1, 2], undefined), Infinity);
  assert.equal(difference([1, 2], [1, NaN]), Infinity);
});

test("rounds: all warmed up first, then each once in a round, beginning with another; slow ones in fewer", async () => {
  const order = [];
  const contestant = (id, ms) => ({ id, sample: async (count) => (order.push([id, count]), ms) });
  const samples = await measureRounds([contestant("quick", 1), contestant("slow", 2000)], { rounds: 4, sampleMs: 10, budgetMs: 4000 });
  assert.deepEqual(samples, { quick: [1, 1, 1, 1], slow: [2000, 2000] });
  assert.deepEqual(order, [
    ["quick", 1], ["quick", 40], ["slow", 1], // warm-up
    ["quick", 10], ["slow", 1], ["slow", 1], ["quick", 10], ["quick", 10], ["quick", 10],
  ]);
});

test("a contestant: untimed steps are run but not counted; steps go round", async () => {
  const ran = [];
  const runner = { prepare: (step) => step.texts[0], run: (text) => void ran.push(text), outputs: () => ({}), close: () => {} };
  const answer = makeHost(async () => runner);
  await answer({ op: "open", key: "k" });
  const steps = [{ timed: false, texts: ["base"] }, { timed: true, texts: ["typed"] }];
  await answer({ op: "prepare", key: "k", steps });
  const { ms } = await answer({ op: "sample", key: "k", count: 2 });
  assert.deepEqual(ran, ["base", "typed", "base", "typed"]);
  assert.ok(Number.isFinite(ms));
  await assert.rejects(answer({ op: "sample", key: "other", count: 1 }), /other: expected an open model/);
  await assert.rejects(answer({ op: "dance", key: "k" }), /expected one of open/);
});

test("verdicts: met, not met, not measured", () => {
  const forward = { classic: { "charglow-node": [5, 5], "onnxruntime-node": [7.5, 7.5], "jax-predict": [4, 4] } };
  const limit = { samples: { "limit-node": [4.4], "charglow-node": [5] } };
  const rows = verdicts({ forward, limit });
  const of = (pattern) => rows.find(({ name }) => pattern.test(name));
  assert.deepEqual(of(/forward, Node.*onnxruntime/), { name: of(/forward, Node.*onnxruntime/).name, aim: "≥ 1.40×", found: "1.50×", met: true });
  assert.equal(of(/predict on JAX/).met, false);
  assert.equal(of(/predict on TensorFlow/).met, null);
  assert.deepEqual([of(/recurrence, Node/).found, of(/recurrence, Node/).met], ["88.0 %", true]);
  assert.equal(of(/page \+ engine/).found, "not measured");
  assert.equal(faster(undefined, "a", "b"), null);
  assert.equal(bestOf({ "onnxruntime-node 1": [5], "onnxruntime-node 8": [4], "charglow-node 9": [1] }, "onnxruntime-node "), "onnxruntime-node 8");
});

test("every case's results become a table; what is missing has none", () => {
  const samples = { "charglow-node": [5, 6], "onnxruntime-node": [7, 8] };
  const growth = { samples: { 50: samples, 100: samples }, exponents: { "charglow-node": 1, "onnxruntime-node": 0.9 } };
  const one = { raw: 3e5, gzip: 1e5, brotli: 9e4, files: ["a"] };
  const made = tables({
    tensorflow: false,
    forward: { classic: samples },
    keystroke: { classic: { end: samples } },
    batch: { texts: 9, samples: { "charglow-node 9": [5], "onnxruntime-node 8": [6] } },
    load: { samples, megabytes: { "charglow-node": 7 } },
    page: { open: [50, 70], start: [300] },
    keys: [{ name: "end", p50: 8, p95: 12, p99: 20 }],
    growth: { steps: growth, units: growth },
    limit: { multiplyAdds: 11_718_750, bytes: 768_000, samples: { ...samples, "limit-node": [4, 4] } },
    rates: { registers: 4, multiplyAdd: { "16 KB": 3 }, read: { "16 KB": 90 } },
    sizes: { "charglow: page": one, "charglow: engine": one },
  });
  assert.equal(made.length, 12);
  for (const { title, rows } of made) {
    assert.ok(title && rows.length > 1, title);
    assert.doesNotMatch(textTable(rows), /undefined|NaN/);
  }
  assert.match(textTable(made[0].rows), /TensorFlow +not installed/);
  assert.match(textTable(made[2].rows), /charglow, wasm, Node.js, 9 at once/);
  assert.equal(tables({}).length, 1);
});

test("the README's part is replaced between its marks, and nothing else", () => {
  const readme = "before\n<!-- made by `npm run bench -- --keep` -->\n\nold\n\n<!-- end of what it made -->\nafter\n";
  const once = withSection(readme, "new");
  assert.equal(once, readme.replace("old", "new"));
  assert.equal(withSection(once, "new"), once);
  assert.throws(() => withSection("no marks", "new"), /README.md: expected the lines/);
  withSection(readFileSync(join(ROOT, "README.md"), "utf8"), ""); // the real one has them
});

test("the rivals are pinned exactly, no dependency of the project's, and their lock file names no registry", () => {
  const folder = join(ROOT, "scripts", "bench");
  const own = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  for (const [name, version] of Object.entries(JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).dependencies)) {
    assert.match(version, /^\d+\.\d+\.\d+$/, name);
    assert.equal(name in { ...own.dependencies, ...own.devDependencies }, false, name);
  }
  assert.doesNotMatch(readFileSync(join(folder, "package-lock.json"), "utf8"), /"resolved"/);
});
