/** Engine answers made by hand, for the tests of what the page makes of them. */
import { Fate, type RunResult, type Signal } from "#engine";

/**
 * A model of `timesteps` steps over `vocabulary`, padded and truncated at the front as Keras's defaults are; `oov`
 * null leaves unknown code points out. Ids are the vocabulary's places from 1.
 */
export function answerOf(text: string, vocabulary: string, timesteps: number, oov: number | null = null): RunResult {
  const points = Array.from(text);
  const known = Array.from(vocabulary);
  const ids = points.map((point) => (known.includes(point) ? known.indexOf(point) + 1 : (oov ?? -1)));
  const kept = ids.map((id, at) => ({ id, at })).filter(({ id }) => id >= 0);
  const cut = Math.max(0, kept.length - timesteps);
  const result: RunResult = {
    outputs: [],
    signals: [],
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

export function signalOf(values: number[]): Signal {
  return { id: "attention", layer: "attention", kind: "vector", shape: [values.length], values: Float32Array.from(values) };
}
