/** Engine answers made by hand, for the tests of what the page makes of them. */
import { Fate, type Signal, type SignalAxis, type SignalCard, type StepMap } from "#engine";
import type { Shading, TextRead } from "../../../web/src/model/cells.ts";
import { ONE_FOR_ONE } from "../../../web/src/model/steps.ts";

/**
 * A model of `timesteps` steps over `vocabulary`, padded and truncated at the front as Keras's defaults are; `oov`
 * null leaves unknown code points out. Ids are the vocabulary's places from 1.
 */
export function answerOf(text: string, vocabulary: string, timesteps: number, oov: number | null = null): TextRead {
  const points = Array.from(text);
  const known = Array.from(vocabulary);
  const ids = points.map((point) => (known.includes(point) ? known.indexOf(point) + 1 : (oov ?? -1)));
  const kept = ids.map((id, at) => ({ id, at })).filter(({ id }) => id >= 0);
  const cut = Math.max(0, kept.length - timesteps);
  const result: TextRead = {
    ids: new Int32Array(timesteps),
    padding: new Uint8Array(timesteps).fill(1),
    text: {
      length: points.length,
      fate: new Uint8Array(points.length).fill(Fate.UnknownDropped),
      position: new Int32Array(points.length).fill(-1),
      count: new Uint8Array(points.length),
      id: new Int32Array(points.length).fill(-1),
    },
  };
  for (const [order, { id, at }] of kept.entries()) {
    if (order < cut) {
      result.text!.fate[at] = Fate.Truncated;
      continue;
    }
    const step = timesteps - kept.length + order;
    result.text!.fate[at] = known.includes(points[at]!) ? Fate.Read : Fate.UnknownRead;
    result.text!.position[at] = step;
    result.text!.count[at] = 1;
    result.text!.id[at] = id;
    result.ids[step] = id;
    result.padding[step] = 0;
  }
  return result;
}

/** A weight for each step. */
export function shadingOf(values: number[], steps: StepMap = ONE_FOR_ONE): Shading {
  return { values: Float32Array.from(values), steps };
}

/** A signal whose values are 0, 1, 2 … scaled, so that no two of them are taken for each other. */
export function countedSignal(axes: SignalAxis[], shape: number[], scale = 1): Signal {
  const size = shape.reduce((product, length) => product * length, 1);
  return { id: "s", layer: "s", axes, shape, values: Float32Array.from({ length: size }, (_, i) => scale * i) };
}

export function signalCard(card: Partial<SignalCard>): SignalCard {
  return { id: "s", layer: "s", kind: "attention", axes: ["step"], shape: [null], steps: ONE_FOR_ONE, queries: null, degenerate: false, why: "", ...card };
}
