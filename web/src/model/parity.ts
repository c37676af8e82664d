/** How the engine's comparison with Keras's own numbers is to be read. */
import type { ParityReport } from "#engine";

/**
 * Whether the numbers differ only because the vocabulary in use turns the texts into other ids than the model was made
 * with: the engine is then not to blame.
 */
export function onlyIdsDiffer(parity: ParityReport): boolean {
  const differing = parity.cases.filter(({ agrees }) => !agrees);
  return !parity.agrees && differing.length > 0 && differing.every(({ ids_agree }) => !ids_agree);
}
