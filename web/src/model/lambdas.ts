/** Lambda layers whose function the engine could not read: it takes a sentence of the user's instead. */
import type { Problem } from "#engine";

/** The id of the choice that says what a Lambda layer computes. */
export const lambdaChoice = (layer: string) => `lambda:${layer}`;

/** What people write in such layers most. */
export const LAMBDA_EXAMPLES = ["sum(axis=1)", "mean(axis=1)", "max(axis=1)"] as const;

/** The Lambda layers that are the cause of these problems, in order; none where something else is wrong as well. */
export function lambdasIn(problems: readonly Problem[]): { layer: string; found: string }[] {
  const lambdas = new Map<string, string>();
  for (const { code, where, actual } of problems) {
    const layer = where.match(/^layer "(.+?)"(?:,|$)/)?.[1];
    if (!code.startsWith("lambda-") || layer === undefined) return [];
    if (!lambdas.has(layer)) lambdas.set(layer, actual);
  }
  return [...lambdas].map(([layer, found]) => ({ layer, found }));
}
