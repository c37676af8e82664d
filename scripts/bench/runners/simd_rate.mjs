/// <reference lib="dom" />
/**
 * The micro-kernel of native/simd_rate.cpp as a contestant: a "run" does the multiply-adds of a model's recurrence and nothing
 * else, so that it is measured in the same rounds and the same clock as the recurrence itself.
 */

/**
 * The recurrence h U of a GRU: for each timestep `units` · 3 `units` multiply-adds, four at a time; and the size of what is read
 * for it, whole blocks of 32 columns.
 * @param {{steps: number, units: number}} spec
 */
export function recurrenceOf({ steps, units }) {
  const columns = 3 * units;
  return { multiplyAdds: (steps * units * columns) / 4, floats: units * Math.ceil(columns / 32) * 32 };
}

/** Milliseconds that `multiplyAdds` take at the rate with which the kernel did its own. @param {number} ms @param {number} done @param {number} multiplyAdds */
export const limitOf = (ms, done, multiplyAdds) => (ms * multiplyAdds) / done;

/** @param {BufferSource} bytes of simd_rate.wasm */
export async function simdRate(bytes) {
  const { instance } = await WebAssembly.instantiate(bytes, { wasi_snapshot_preview1: { proc_exit() {} } });
  const rate = /** @type {any} */ (instance.exports);
  rate.fill(1);
  return rate;
}

/** @param {BufferSource} bytes @param {any} spec @returns {Promise<import("./host.mjs").Runner>} */
export async function simdRateRunner(bytes, spec) {
  const rate = await simdRate(bytes);
  const { floats } = recurrenceOf(spec);
  let last = 0;
  return {
    prepare: () => null,
    run: () => {
      last = rate.multiplyAdd(floats, spec.steps, spec.units);
    },
    outputs: () => ({ sum: [last] }),
    close: () => {},
  };
}
