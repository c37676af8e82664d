/** How long it takes from a key to its colours on screen, for the model in use. */
import type { Answer, Job } from "./engine/protocol.ts";
import { Latency, latencyReport, type LatencySummary } from "./model/latency.ts";
import { afterPaint, markFirstColour } from "./view/paint.ts";

/** Milliseconds without a key's colours before the last keys' times are told. */
const TOLD_AFTER = 250;

export class KeyTimes {
  /** Keys whose colours are not on screen yet, the oldest first. */
  #keys: { texts: readonly string[]; at: number }[] = [];
  #latency = new Latency();
  /** The model in use has not coloured a text yet. */
  #colourless = true;
  /** Keys were timed that nobody has been told of yet. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #onSummary: (summary: LatencySummary | null) => void;

  /** `onSummary` is told when more is known; null: nothing is. */
  constructor(onSummary: (summary: LatencySummary | null) => void) {
    this.#onSummary = onSummary;
  }

  /** Another model is in use. */
  restart(): void {
    this.#keys = [];
    this.#latency = new Latency();
    this.#colourless = true;
    this.#tell();
  }

  /** A key changed the texts to these, at this time (as performance.now() has it). */
  typed(texts: readonly string[], at: number): void {
    this.#keys.push({ texts, at });
  }

  /** What was typed until now gets no colours. */
  forget(): void {
    this.#keys = [];
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Times what the answer put on screen: the key of its text, and those before it whose texts were passed over. */
  answered({ texts }: Job, { engineMs: engine }: Answer): void {
    // In this key's frame, which is drawn anyway: one of its own after every key would be in the way of the next.
    if (this.#timer !== undefined) this.#tell();
    const first = this.#colourless;
    this.#colourless = false;
    const last = this.#keys.findIndex((key) => same(key.texts, texts));
    const keys = this.#keys.splice(0, last + 1);
    if (!first && keys.length === 0) return;
    const latency = this.#latency;
    const characters = texts.reduce((sum, text) => sum + text.length, 0);
    afterPaint((time) => {
      // Another model came meanwhile.
      if (this.#latency !== latency) return;
      if (first) markFirstColour();
      for (const { at } of keys) latency.add({ paint: time - at, engine, characters });
      if (keys.length > 0) this.#timer ??= setTimeout(() => this.#tell(), TOLD_AFTER);
    });
  }

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#onSummary(this.#latency.summary);
  }

  /** What is known, for people; "" where nothing is. `model` names the model in it. */
  report(model: string): string {
    const { summary } = this.#latency;
    return summary ? latencyReport(summary, model, navigator.userAgent) : "";
  }
}

/** Whether two lists have the same texts. */
export const same = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((text, i) => text === b[i]);
