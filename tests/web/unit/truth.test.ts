import { expect, it } from "vitest";
import { truthOf } from "../../../web/src/model/truth.ts";
import { answerOf, shadingOf } from "./answers.ts";

it("counts what was read, unknown and padding", () => {
  const truth = truthOf("ab\u00e7\u{1f600}\u00e7", answerOf("ab\u00e7\u{1f600}\u00e7", "ab", 5), shadingOf([0.1, 0.1, 0.1, 0.35, 0.35]));
  expect(truth).toMatchObject({ read: 2, unknown: 3, unknownCharacters: ["\u00e7", "\u{1f600}"], unknownFate: "dropped", cut: 0, padding: 3 });
  expect(truth.paddingShare).toBeCloseTo(0.3, 6);
});

it("counts an unknown character that is read as both", () => {
  expect(truthOf("a\u00e7", answerOf("a\u00e7", "a", 2, 7), null)).toMatchObject({ read: 2, unknown: 1, unknownFate: "read" });
});

it("says which end is cut off", () => {
  expect(truthOf("aaab", answerOf("aaab", "ab", 2), null)).toMatchObject({ read: 2, cut: 2, cutEnd: "start", padding: 0 });
  const post = answerOf("ab", "ab", 2);
  post.text!.fate[1] = 5;
  expect(truthOf("ab", post, null)).toMatchObject({ read: 1, cut: 1, cutEnd: "end" });
});

it("gives as many effective characters as attention is evenly spread over", () => {
  expect(truthOf("abab", answerOf("abab", "ab", 4), shadingOf([0.25, 0.25, 0.25, 0.25])).effective).toBeCloseTo(4, 6);
  expect(truthOf("abab", answerOf("abab", "ab", 4), shadingOf([0, 0, 1, 0])).effective).toBeCloseTo(1, 6);
  // Padding does not count: two characters share what is left evenly.
  expect(truthOf("ab", answerOf("ab", "ab", 4), shadingOf([0.4, 0.4, 0.1, 0.1])).effective).toBeCloseTo(2, 5);
});

it("is finite for an empty text and for no attention at all", () => {
  expect(truthOf("", answerOf("", "ab", 4), shadingOf([0.25, 0.25, 0.25, 0.25]))).toMatchObject({ read: 0, padding: 4, paddingShare: 1, effective: null });
  expect(truthOf("ab", answerOf("ab", "ab", 2), shadingOf([0, 0]))).toMatchObject({ paddingShare: null, effective: null });
  expect(truthOf("ab", answerOf("ab", "ab", 2), null)).toMatchObject({ paddingShare: null, effective: null });
});

it("counts words where the model reads words", () => {
  const answer = answerOf("ab zz zz a", "abz ", 4);
  answer.text!.fate.set([0, 0, 4, 2, 2, 4, 2, 2, 4, 5]);
  answer.text!.position.set([3, 3, -1, -1, -1, -1, -1, -1, -1, -1]);
  expect(truthOf("ab zz zz a", answer, null, "word")).toMatchObject({ read: 1, unknown: 2, unknownCharacters: ["zz"], cut: 1, cutEnd: "end" });
});

it("counts a step that stands for several timesteps as padding to the share of them that are", () => {
  // Five timesteps, the last three hold text; steps of two: padding, half and half, text; the fifth timestep under none.
  const map = { input: 0, stride: 2, offset: 0, width: 2 };
  const truth = truthOf("abc", answerOf("abc", "abc", 6), shadingOf([0.5, 0.3, 0.2], map));
  expect(truth.padding).toBe(3);
  expect(truth.paddingShare).toBeCloseTo(0.5 + 0.15, 6);
});
