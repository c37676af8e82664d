/** What the model really saw of a text: counts for the line under the editor. */
import { Fate, type RunResult, type Signal } from "#engine";

export interface Truth {
  /** Code points that have a timestep. */
  read: number;
  /** Code points not in the vocabulary, and what they are: each different one once, in order of appearance. */
  unknown: number;
  unknownCharacters: string[];
  /** What the model does with them: leaves them out, or reads them as the out-of-vocabulary id. */
  unknownFate: "dropped" | "read";
  /** Code points that are left out because their id is not below num_words. */
  rare: number;
  cut: number;
  /** The end of the text that is cut off. */
  cutEnd: "start" | "end";
  /** Timesteps that hold no text, and the share of all attention that falls on them. null without attention. */
  padding: number;
  paddingShare: number | null;
  /**
   * Over how many characters attention is as good as spread evenly: the exponential of the entropy of the attention on
   * the timesteps that hold text, made to sum to 1. null where no attention falls on text.
   */
  effective: number | null;
}

export function truthOf(text: string, result: RunResult, signal: Signal | null): Truth {
  const truth: Truth = {
    read: 0, unknown: 0, unknownCharacters: [], unknownFate: "dropped", rare: 0,
    cut: 0, cutEnd: "end", padding: 0, paddingShare: null, effective: null,
  };
  if (result.text) countFates(text, result.text.fate, truth);
  for (const flag of result.padding) truth.padding += flag;
  if (signal) weigh(signal.values, result.padding, truth);
  return truth;
}

function countFates(text: string, fates: Uint8Array, truth: Truth): void {
  const unknown = new Set<string>();
  let index = 0;
  for (const character of text) {
    const fate = fates[index];
    if (fate === Fate.Read) truth.read++;
    else if (fate === Fate.UnknownRead || fate === Fate.UnknownDropped) {
      truth.unknown++;
      unknown.add(character);
      if (fate === Fate.UnknownRead) {
        truth.read++;
        truth.unknownFate = "read";
      }
    } else if (fate === Fate.RareDropped) truth.rare++;
    else if (fate === Fate.Truncated) {
      if (index === 0) truth.cutEnd = "start";
      truth.cut++;
    }
    index++;
  }
  truth.unknownCharacters = [...unknown];
}

function weigh(values: Float32Array, padding: Uint8Array, truth: Truth): void {
  let all = 0;
  let onPadding = 0;
  for (const [step, value] of values.entries()) {
    all += value;
    if (padding[step]) onPadding += value;
  }
  if (all > 0) truth.paddingShare = onPadding / all;
  const onText = all - onPadding;
  if (!(onText > 0)) return;
  let entropy = 0;
  for (const [step, value] of values.entries()) {
    if (padding[step] || !(value > 0)) continue;
    const share = value / onText;
    entropy -= share * Math.log(share);
  }
  truth.effective = Math.exp(entropy);
}
