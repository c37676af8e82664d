/** How the steps of a signal lie over the timesteps of the input that it is about: one for one, or several for each. */
import type { StepMap } from "#engine";

/** Steps and timesteps one for one. */
export const ONE_FOR_ONE: StepMap = { input: 0, stride: 1, offset: 0, width: 1 };

/** The steps, of `count`, that stand for a timestep, as [first, end). Empty where none does: what a pooling leaves over. */
export function stepsAt({ stride, offset, width }: StepMap, timestep: number, count: number): [first: number, end: number] {
  const first = Math.max(0, Math.floor((timestep - offset - width) / stride) + 1);
  const end = Math.min(count, Math.floor((timestep - offset) / stride) + 1);
  return first < end ? [first, end] : [0, 0];
}

/** The timesteps, of `count`, that a step stands for, as [first, end). Empty where all of them lie outside of the input. */
export function timestepsOf({ stride, offset, width }: StepMap, step: number, count: number): [first: number, end: number] {
  const first = Math.max(0, offset + step * stride);
  const end = Math.min(count, offset + step * stride + width);
  return first < end ? [first, end] : [0, 0];
}

/**
 * The weight of a character that covers `timesteps`: the sum over its timesteps, of which those under the same steps
 * count once. Where several steps stand for a timestep, it has their mean: a constant weight then stays what it is.
 * null where no step stands for any of them.
 */
export function weightOver(values: ArrayLike<number>, map: StepMap, timesteps: readonly number[]): number | null {
  let weight: number | null = null;
  let before: [number, number] = [-1, -1];
  for (const timestep of timesteps) {
    const [first, end] = stepsAt(map, timestep, values.length);
    if (first === end || (first === before[0] && end === before[1])) continue;
    before = [first, end];
    let sum = 0;
    for (let step = first; step < end; step++) sum += values[step]!;
    weight = (weight ?? 0) + sum / (end - first);
  }
  return weight;
}

/** The steps, of `count`, that stand for at least one timestep that holds text, from the first to the last, as [first, end). */
export function stepsWithText(map: StepMap, count: number, padding: ArrayLike<number>): [first: number, end: number] {
  const holds = (step: number) => {
    const [first, end] = timestepsOf(map, step, padding.length);
    for (let timestep = first; timestep < end; timestep++) if (!padding[timestep]) return true;
    return false;
  };
  let first = 0;
  while (first < count && !holds(first)) first++;
  let end = count;
  while (end > first && !holds(end - 1)) end--;
  return first < end ? [first, end] : [0, 0];
}
