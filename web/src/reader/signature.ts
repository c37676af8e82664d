/** What files begin with. Apart from the reader, because the page asks it of every file that is dropped. */

export const HDF5 = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** Offset of the HDF5 signature: 0, or behind a user block 512, 1024, 2048 …; -1 where there is none. */
export function hdf5SignatureAt(bytes: Uint8Array): number {
  for (let offset = 0; offset + HDF5.length <= bytes.length; offset = offset === 0 ? 512 : offset * 2) {
    if (startsWith(bytes, HDF5, offset)) return offset;
  }
  return -1;
}

export function startsWith(bytes: Uint8Array, signature: ArrayLike<number>, offset = 0): boolean {
  for (let i = 0; i < signature.length; i++) if (bytes[offset + i] !== signature[i]) return false;
  return true;
}
