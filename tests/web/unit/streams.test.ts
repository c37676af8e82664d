import { describe, expect, it } from "vitest";
import { readAll } from "../../../web/src/model/streams.ts";

/** A stream that gives these chunks, and waits after `waitAfter` of them for ever. */
function streamOf(chunks: number[][], waitAfter = Infinity): { stream: ReadableStream<Uint8Array>; cancelled: unknown[] } {
  const cancelled: unknown[] = [];
  let at = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (at >= waitAfter) return new Promise(() => undefined);
      const chunk = chunks[at++];
      if (chunk) controller.enqueue(Uint8Array.from(chunk));
      else controller.close();
      return undefined;
    },
    cancel: (reason) => void cancelled.push(reason),
  }, { highWaterMark: 0 });
  return { stream, cancelled };
}

describe("a stream of bytes", () => {
  it.each([["known", 6], ["unknown", null], ["said too small", 2], ["said too large", 100], ["said to be 0", 0]])("of a size that is %s: is read to its end", async (_, size) => {
    const shares: (number | null)[] = [];
    const all = await readAll(streamOf([[1, 2, 3], [4], [5, 6]]).stream, size, undefined, (share) => shares.push(share));
    expect([...all]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(all.buffer.byteLength).toBe(6);
    expect(shares).toHaveLength(3);
    if (size === 6) expect(shares).toEqual([3 / 6, 4 / 6, 1]);
    if (size === 2) expect(shares).toEqual([1, 1, 1]);
    if (!size) expect(shares).toEqual([null, null, null]);
  });

  it("longer than the first room for it: grows", async () => {
    const chunk = Array.from({ length: 50_000 }, (_, i) => i % 251);
    const all = await readAll(streamOf([chunk, chunk, chunk]).stream, null);
    expect(all.length).toBe(150_000);
    expect(all[149_999]).toBe(49_999 % 251);
  });

  it("that is given up rejects with the reason, and is cancelled", async () => {
    const { stream, cancelled } = streamOf([[1], [2]], 1);
    const giveUp = new AbortController();
    const reading = readAll(stream, 2, giveUp.signal, () => giveUp.abort("enough"));
    await expect(reading).rejects.toBe("enough");
    expect(cancelled).toEqual(["enough"]);
  });

  it("that was given up before it began is not read", async () => {
    const { stream, cancelled } = streamOf([[1]]);
    await expect(readAll(stream, 1, AbortSignal.abort("before"))).rejects.toBe("before");
    expect(cancelled).toEqual(["before"]);
  });

  it("that fails rejects with its error", async () => {
    const stream = new ReadableStream<Uint8Array>({ pull: () => { throw new Error("gone"); } });
    await expect(readAll(stream, 1)).rejects.toThrow("gone");
  });
});
