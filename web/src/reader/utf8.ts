/** UTF-8 that says where it stops being UTF-8. */

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of `bytes`, or the offset of the first byte that does not belong to UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | { invalidAt: number } {
  try {
    return strict.decode(bytes);
  } catch {
    return { invalidAt: invalidAt(bytes) };
  }
}

/** Offset of the first sequence that is not UTF-8 (RFC 3629, section 4), or the length where there is none. */
function invalidAt(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    const lead = bytes[at]!;
    const more = lead < 0x80 ? 0 : lead < 0xc2 ? -1 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : -1;
    if (more < 0) return at;
    // The second byte's range keeps out what is too long, surrogates, and what lies above U+10FFFF.
    let low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    let high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    for (let i = 1; i <= more; i++) {
      const byte = bytes[at + i] ?? 0;
      if (byte < low || byte > high) return at;
      low = 0x80;
      high = 0xbf;
    }
    at += more + 1;
  }
  return at;
}

/** Byte order of UTF-8, which is the order of code points; JavaScript's own compares UTF-16 units. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    // Surrogates stand for code points above all others.
    if (x !== y) return surrogate(x) !== surrogate(y) ? (surrogate(x) ? 1 : -1) : x - y;
  }
  return a.length - b.length;
}

function surrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
