/** Layers whose function the engine could not read, Lambdas most often: it takes a line of the user's instead. */
import type { Problem } from "#engine";

const CHOICE = "lambda:";

/** The id of the choice that says what a layer computes. */
export const lambdaChoice = (layer: string) => CHOICE + layer;

/** The layer that such a choice is about; null for any other. */
export const lambdaOf = (id: string) => (id.startsWith(CHOICE) ? id.slice(CHOICE.length) : null);

/** What people write in such layers most. */
export const LAMBDA_EXAMPLES = ["sum(axis=1)", "mean(axis=1)", "x[:, -1, :]"] as const;

/** The layers that are the cause of these problems, in order; none where something is wrong that no line would settle. */
export function lambdasIn(problems: readonly Problem[]): { layer: string; found: string }[] {
  const lambdas = new Map<string, string>();
  for (const { choice = "", actual } of problems) {
    const layer = lambdaOf(choice);
    if (layer === null) return [];
    if (!lambdas.has(layer)) lambdas.set(layer, actual);
  }
  return [...lambdas].map(([layer, found]) => ({ layer, found }));
}
