/** Streams of bytes, read to their end: files of the user's, answers of the server's. */

/** How much has arrived: the share, from 0 to 1, where the size is known, else null; and the bytes so far. */
export type OnArrival = (share: number | null, bytes: number) => void;

/** What a buffer begins with where nobody says how much is to come. */
const FIRST_ROOM = 65_536;

/**
 * All bytes of a stream. `size` is how many there will be, where that is known: it spares copies and gives the share; more or
 * fewer are no fault. Rejects with the stream's error, and with the signal's reason where it was given up: the stream is cancelled then.
 */
export async function readAll(
  stream: ReadableStream<Uint8Array>, size: number | null, signal?: AbortSignal, onArrival?: OnArrival,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader();
  const stop = () => void reader.cancel(signal!.reason).catch(() => undefined);
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop);
  let all = new Uint8Array(size ?? FIRST_ROOM);
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      signal?.throwIfAborted();
      if (done) return bytes === all.length ? all : all.slice(0, bytes);
      if (bytes + value.length > all.length) {
        const larger = new Uint8Array(Math.max(2 * all.length, bytes + value.length));
        larger.set(all.subarray(0, bytes));
        all = larger;
      }
      all.set(value, bytes);
      bytes += value.length;
      onArrival?.(size === null || size === 0 ? null : Math.min(1, bytes / size), bytes);
    }
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}
