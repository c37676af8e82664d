import type { StepMap } from "#engine";
import { describe, expect, it } from "vitest";
import { ONE_FOR_ONE, stepsAt, stepsWithText, timestepsOf, weightOver } from "../../../web/src/model/steps.ts";

/** MaxPooling1D(4): each step stands for four timesteps of its own. */
const POOLED: StepMap = { input: 0, stride: 4, offset: 0, width: 4 };
/** Conv1D(3, padding="same"): each timestep stands under up to three steps. */
const SAME: StepMap = { input: 0, stride: 1, offset: -1, width: 3 };
/** Conv1D(3, strides=2, padding="valid") over 8 timesteps: three steps, the last timestep under none. */
const VALID: StepMap = { input: 0, stride: 2, offset: 0, width: 3 };

describe("steps and timesteps", () => {
  it("are the same where nothing shortened the sequence", () => {
    expect([0, 5, 9].map((at) => stepsAt(ONE_FOR_ONE, at, 10))).toEqual([[0, 1], [5, 6], [9, 10]]);
    expect(timestepsOf(ONE_FOR_ONE, 7, 10)).toEqual([7, 8]);
  });

  it("share a step where the sequence was pooled", () => {
    expect([0, 3, 4, 11].map((at) => stepsAt(POOLED, at, 3))).toEqual([[0, 1], [0, 1], [1, 2], [2, 3]]);
    expect(timestepsOf(POOLED, 2, 12)).toEqual([8, 12]);
  });

  it("overlap under a convolution, and end with the input", () => {
    expect(stepsAt(SAME, 0, 6)).toEqual([0, 2]);
    expect(stepsAt(SAME, 3, 6)).toEqual([2, 5]);
    expect(stepsAt(SAME, 5, 6)).toEqual([4, 6]);
    expect(timestepsOf(SAME, 0, 6)).toEqual([0, 2]);
    expect(timestepsOf(SAME, 5, 6)).toEqual([4, 6]);
  });

  it("leave out what no step stands for", () => {
    expect(stepsAt(VALID, 6, 3)).toEqual([2, 3]);
    expect(stepsAt(VALID, 7, 3)).toEqual([0, 0]);
    expect(timestepsOf({ ...POOLED, offset: -8 }, 1, 12)).toEqual([0, 0]);
  });

  it("agree both ways, for any map", () => {
    for (const stride of [1, 2, 3]) for (const width of [1, 2, 3, 5]) for (const offset of [-3, -1, 0, 2]) {
      const map = { input: 0, stride, width, offset };
      for (let timestep = 0; timestep < 12; timestep++) {
        const [first, end] = stepsAt(map, timestep, 7);
        for (let step = 0; step < 7; step++) {
          const [from, to] = timestepsOf(map, step, 12);
          expect(step >= first && step < end, JSON.stringify({ map, timestep, step })).toBe(timestep >= from && timestep < to);
        }
      }
    }
  });
});

describe("the weight of a character", () => {
  it("is the sum over its timesteps", () => {
    expect(weightOver([0.1, 0.2, 0.4], ONE_FOR_ONE, [1, 2])).toBeCloseTo(0.6, 12);
    expect(weightOver([0.1, 0.2, 0.4], ONE_FOR_ONE, [])).toBeNull();
  });

  it("is that of the step it shares with others, once", () => {
    const weights = [0.5, 0.3, 0.2];
    expect([0, 1, 4, 11].map((at) => weightOver(weights, POOLED, [at]))).toEqual([0.5, 0.5, 0.3, 0.2]);
    expect(weightOver(weights, POOLED, [1, 2])).toBe(0.5);
    expect(weightOver(weights, POOLED, [3, 4])).toBeCloseTo(0.8, 12);
  });

  it("is the mean where several steps stand for it, so that a constant stays one", () => {
    expect(weightOver([1, 2, 4, 8, 16, 32], SAME, [3])).toBeCloseTo((4 + 8 + 16) / 3, 12);
    for (let at = 0; at < 6; at++) expect(weightOver(Array(6).fill(0.25), SAME, [at])).toBeCloseTo(0.25, 12);
  });

  it("is none where no step stands for it", () => {
    expect(weightOver([0.5, 0.3, 0.2], VALID, [7])).toBeNull();
  });
});

describe("the steps with text", () => {
  it("reach from the first to the last that stand for any", () => {
    const padding = [1, 1, 1, 1, 1, 0, 1, 0, 0, 1, 1, 1];
    expect(stepsWithText(ONE_FOR_ONE, 12, padding)).toEqual([5, 9]);
    expect(stepsWithText(POOLED, 3, padding)).toEqual([1, 3]);
    expect(stepsWithText(ONE_FOR_ONE, 12, Array(12).fill(1))).toEqual([0, 0]);
  });
});
