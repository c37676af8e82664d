/** What the model really saw of a text: counts for the line under the editor. */
import { Fate } from "#engine";
import type { Shading, TextRead, Unit } from "./cells.ts";
import { timestepsOf } from "./steps.ts";

/** Counts are of code points, or of words where the model reads such. */
export interface Truth {
  /** Those that have a timestep. */
  read: number;
  /** Those not in the vocabulary, and what they are: each different one once, in order of appearance. */
  unknown: number;
  unknownCharacters: string[];
  /** What the model does with them: leaves them out, or reads them as the out-of-vocabulary id. */
  unknownFate: "dropped" | "read";
  /** Those left out because their id is not below num_words. */
  rare: number;
  cut: number;
  /** The end of the text that is cut off. */
  cutEnd: "start" | "end";
  /** Timesteps that hold no text, and the share of all attention that falls on them. null without attention. */
  padding: number;
  paddingShare: number | null;
  /**
   * Over how many steps attention is as good as spread evenly: the exponential of the entropy of the attention on the
   * steps that stand for text, made to sum to 1. null where no attention falls on text.
   */
  effective: number | null;
}

/** `attention` is null where there is none. */
export function truthOf(text: string, read: TextRead, attention: Shading | null, unit: Unit = "char"): Truth {
  const truth: Truth = {
    read: 0, unknown: 0, unknownCharacters: [], unknownFate: "dropped", rare: 0,
    cut: 0, cutEnd: "end", padding: 0, paddingShare: null, effective: null,
  };
  if (read.text) countFates(text, read.text, unit, truth);
  for (const flag of read.padding) truth.padding += flag;
  if (attention) weigh(attention, read.padding, truth);
  return truth;
}

function countFates(text: string, { fate: fates, position }: NonNullable<TextRead["text"]>, unit: Unit, truth: Truth): void {
  const unknown = new Set<string>();
  let [index, begin, end] = [0, 0, 0];
  const count = (): void => {
    const fate = fates[index - 1];
    if (fate === Fate.Read) truth.read++;
    else if (fate === Fate.UnknownRead || fate === Fate.UnknownDropped) {
      truth.unknown++;
      unknown.add(text.slice(begin, end));
      if (fate === Fate.UnknownRead) {
        truth.read++;
        truth.unknownFate = "read";
      }
    } else if (fate === Fate.RareDropped) truth.rare++;
    else if (fate === Fate.Truncated) {
      if (begin === 0) truth.cutEnd = "start";
      truth.cut++;
    }
  };
  for (const character of text) {
    // The code points of one word share their fate and their timestep; what separates words has another fate.
    const same = unit === "word" && index > 0 && fates[index] === fates[index - 1] && position[index] === position[index - 1];
    if (!same) {
      if (index > 0) count();
      begin = end;
    }
    end += character.length;
    index++;
  }
  if (index > 0) count();
  truth.unknownCharacters = [...unknown];
}

/** A step that stands for several timesteps is padding to the share of them that are. */
function weigh({ values, steps }: Shading, padding: Uint8Array, truth: Truth): void {
  let all = 0;
  let onPadding = 0;
  const onText: number[] = [];
  for (const [step, value] of values.entries()) {
    const [first, end] = timestepsOf(steps, step, padding.length);
    let padded = 0;
    for (let timestep = first; timestep < end; timestep++) padded += padding[timestep]!;
    const share = first < end ? padded / (end - first) : 1;
    all += value;
    onPadding += share * value;
    if (share < 1 && value > 0) onText.push((1 - share) * value);
  }
  if (all > 0) truth.paddingShare = onPadding / all;
  const sum = onText.reduce((total, value) => total + value, 0);
  if (!(sum > 0)) return;
  let entropy = 0;
  for (const value of onText) entropy -= (value / sum) * Math.log(value / sum);
  truth.effective = Math.exp(entropy);
}
