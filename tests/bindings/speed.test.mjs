// What must not be lost unseen: how much less a keystroke costs than a whole text, how cost grows, what SIMD gains. Ratios of
// the best of many runs in turns, with wide margins; how long anything takes is measured by `npm run bench` and tested nowhere.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { loadEngine } from "../../scripts/lib/engine.mjs";
import { SAMPLE, fixtureBytes } from "./support.mjs";

const engine = await loadEngine();

/** The shortest times of these functions, called in turns. Each is given the number of the round. */
function best(rounds, ...works) {
  const times = works.map(() => Infinity);
  for (let round = 0; round < rounds; round++) {
    works.forEach((work, index) => {
      const start = performance.now();
      work(round);
      times[index] = Math.min(times[index], performance.now() - start);
    });
  }
  return times;
}

/** As long as the sample's input, and never beginning as the one before. */
const whole = (round) => `${"abcdefgh"[round % 8]}${"now is the time for all good men ".repeat(8).slice(0, 249)}`;
const typed = "now is the time for all good men to come to the aid of the party; call 0906 now.";

test("a key in a text of 80 characters costs less than half of a whole text", () => {
  const model = engine.open(readFileSync(SAMPLE), "sample");
  const [all, one] = [model.newSession(), model.newSession()];
  const [full, key] = best(
    60,
    (round) => all.setText(whole(round)),
    (round) => one.setText(typed + "abc"[round % 3]),
  );
  assert.ok(key < 0.5 * full, `a key ${key} ms, a text ${full} ms`);
});

test("texts that begin alike are cheaper together than one by one in sessions of their own", () => {
  const model = engine.open(readFileSync(SAMPLE), "sample");
  const texts = Array.from({ length: 16 }, (_, index) => `${typed.slice(0, 20)}${index}`);
  const [together, alone] = best(
    6,
    () => model.runTexts(texts),
    () => texts.forEach((text) => model.newSession().setText(text)),
  );
  assert.ok(together < 0.5 * alone, `together ${together} ms, alone ${alone} ms`);
});

test("four times as many steps cost four times as much, not sixteen", () => {
  const model = engine.open(fixtureBytes("keras-2.15/any_length"), "any");
  const ids = (steps, round) => Array.from({ length: steps }, (_, step) => 1 + ((step + round) % 3));
  const [short, long] = [model.newSession(), model.newSession()];
  const [few, many] = best(
    60,
    (round) => short.setIds(ids(1000, round)),
    (round) => long.setIds(ids(4000, round)),
  );
  assert.ok(many < 8 * few, `1000 steps ${few} ms, 4000 steps ${many} ms`);
});

test("SIMD is faster than plain WebAssembly", async () => {
  const scalar = (await loadEngine("engine-scalar")).open(readFileSync(SAMPLE), "sample").newSession();
  const simd = engine.open(readFileSync(SAMPLE), "sample").newSession();
  const [fast, slow] = best(
    30,
    (round) => simd.setText(whole(round)),
    (round) => scalar.setText(whole(round)),
  );
  assert.ok(slow > 1.5 * fast, `SIMD ${fast} ms, without ${slow} ms`);
});
