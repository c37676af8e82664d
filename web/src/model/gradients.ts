/** Which element of a model's outputs gradients are of: what the page's state has, the choices, and their names. */
import type { ModelCard, NamedArray, OutputElement } from "#engine";

/** More elements than this are no help in a list; the largest is there for them. */
const LISTED = 1024;

export interface ElementChoice {
  /** As the state has it: "0:3", the output and the place there. */
  value: string;
  name: string;
}

/** Names of an output's elements: a model's labels belong to those outputs whose number of classes they fit. */
function namesOf({ labels, outputs }: ModelCard, output: number): string[] {
  const { layer, shape } = outputs[output]!;
  const size = shape.length === 2 ? (shape[1] ?? 0) : 0;
  const several = outputs.length > 1 ? `${layer} ` : "";
  // A single probability is that of the second of two classes.
  if (size === 1) return [several + (labels.length === 2 ? labels[1]! : "the output")];
  return Array.from({ length: size }, (_, i) => several + (labels.length === size ? labels[i]! : `output ${i}`));
}

/** All elements there are to choose from; none where there is only one, or too many, or they are at each step. */
export function elementsOf(card: ModelCard): ElementChoice[] {
  const choices = card.outputs.flatMap((_, output) => namesOf(card, output).map((name, index) => ({ value: `${output}:${index}`, name })));
  return choices.length > 1 && choices.length <= LISTED ? choices : [];
}

/** What the engine is asked for; "" and what does not fit the model is the largest element of the first output. */
export function elementOf(value: string, card: ModelCard): OutputElement {
  if (!elementsOf(card).some((choice) => choice.value === value)) return {};
  const [output, index] = value.split(":").map(Number) as [number, number];
  return { output, index: [index] };
}

/** The element's name, as the outputs of a run have it where it is the largest of them. */
export function elementName(value: string, card: ModelCard, outputs: readonly NamedArray[]): string {
  const { output = 0, index } = elementOf(value, card);
  const values = outputs[output]?.values ?? new Float32Array();
  let at = index?.[0] ?? 0;
  if (!index) for (const [i, number] of values.entries()) if (number > values[at]!) at = i;
  return namesOf(card, output)[at] ?? "the largest output";
}
