/** How long keys take until their colours are on screen: what is kept of the last ones, and how it is told. */
import { countText, millisecondsText } from "./numbers.ts";

/** Keys that the figure is about. */
export const KEYS_KEPT = 50;

/** All in milliseconds. */
export interface Keystroke {
  /** From the key event's own time stamp to the end of the frame that has the colours. */
  paint: number;
  /** What the engine's worker took of it. */
  engine: number;
  /** Length of the texts it was about, in UTF-16 units. */
  characters: number;
}

export interface LatencySummary {
  /** Keys that it is about: KEYS_KEPT at most. */
  keys: number;
  paint: { p50: number; p95: number };
  engine: { p50: number; p95: number };
  /** Length of the shortest and of the longest text. */
  characters: readonly [least: number, most: number];
}

/** The value that this share (0 to 1) of the others does not exceed: one of them, no mean of two. NaN where there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? NaN;
}

export class Latency {
  #keys: Keystroke[] = [];

  add(key: Keystroke): void {
    this.#keys = [...this.#keys.slice(1 - KEYS_KEPT), key];
  }

  /** null before the first key. */
  get summary(): LatencySummary | null {
    if (this.#keys.length === 0) return null;
    const both = (values: number[]) => ({ p50: quantile(values, 0.5), p95: quantile(values, 0.95) });
    const lengths = this.#keys.map(({ characters }) => characters);
    return {
      keys: this.#keys.length,
      paint: both(this.#keys.map(({ paint }) => paint)),
      engine: both(this.#keys.map(({ engine }) => engine)),
      characters: [Math.min(...lengths), Math.max(...lengths)],
    };
  }
}

/** The figure with all that one needs to know to compare it with another. */
export function latencyReport({ keys, paint, engine, characters: [least, most] }: LatencySummary, model: string, browser: string): string {
  const both = ({ p50, p95 }: { p50: number; p95: number }) => `p50 ${millisecondsText(p50)} ms, p95 ${millisecondsText(p95)} ms`;
  const length = least === most ? countText(least) : `${countText(least)} to ${countText(most)}`;
  return [
    `charglow, key to paint: ${both(paint)}; engine: ${both(engine)}`,
    `the last ${keys === 1 ? "key" : `${keys} keys`}, in a text of ${length} characters; from the key event's time stamp to the end of the frame with the colours`,
    `model: ${model}`,
    `browser: ${browser}`,
  ].join("\n");
}
