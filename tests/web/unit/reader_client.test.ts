import { describe, expect, it } from "vitest";
import { Reader } from "../../../web/src/reader/client.ts";
import type { ReaderWorker } from "../../../web/src/reader/protocol.ts";

const file = { name: "model.h5", bytes: new Uint8Array(3) };

/** A worker that never answers. */
class Silent implements ReaderWorker {
  asked = 0;
  terminated = false;
  postMessage(): void {
    this.asked++;
  }
  terminate(): void {
    this.terminated = true;
  }
  addEventListener(): void {}
}

describe("a conversion that is given up", () => {
  it("while its reader is still being fetched: rejects at once, and the fetch is told", async () => {
    const giveUp = new AbortController();
    let told: unknown;
    const spawn = (signal: AbortSignal) => new Promise<ReaderWorker>((_, reject) => signal.addEventListener("abort", () => reject(told = signal.reason)));
    const converting = new Reader({ spawn }).convert(file, () => undefined, giveUp.signal);
    giveUp.abort("another was given");
    await expect(converting).rejects.toBe("another was given");
    expect(told).toBe("another was given");
  });

  it("when the reader has just come: its worker is stopped without being asked", async () => {
    const giveUp = new AbortController();
    const worker = new Silent();
    const converting = new Reader({ spawn: () => Promise.resolve(worker) }).convert(file, () => undefined, giveUp.signal);
    giveUp.abort("another was given");
    await expect(converting).rejects.toBe("another was given");
    expect(worker).toMatchObject({ asked: 0, terminated: true });
  });

  it("while the reader is at it: its worker is stopped", async () => {
    const giveUp = new AbortController();
    const worker = new Silent();
    const converting = new Reader({ spawn: () => Promise.resolve(worker) }).convert(file, () => undefined, giveUp.signal);
    await Promise.resolve();
    await Promise.resolve();
    expect(worker.asked).toBe(1);
    giveUp.abort("another was given");
    await expect(converting).rejects.toBe("another was given");
    expect(worker.terminated).toBe(true);
  });
});
