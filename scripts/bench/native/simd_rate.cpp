// How fast this machine's WebAssembly multiplies, adds and reads, four floats at a time: the physical limit
// that the recurrence of a GRU is compared with. No library; built with emcc into a module without
// JavaScript.
//
// Every function returns a number that depends on everything it computed, so that nothing of it can be left
// out, and takes what it computes with at run time, so that nothing of it can be computed beforehand.

#include <wasm_simd128.h>

#include <cstddef>

namespace {

constexpr int kAccumulators = 8;           // enough to hide the latency of an addition; all stay in registers
constexpr size_t kMost = size_t{1} << 22;  // floats: 16 MB

alignas(64) float memory[kMost];

float sumOf(const v128_t* values) {
  v128_t total = values[0];
  for (int k = 1; k < kAccumulators; ++k) total = wasm_f32x4_add(total, values[k]);
  return wasm_f32x4_extract_lane(total, 0) + wasm_f32x4_extract_lane(total, 1) +
         wasm_f32x4_extract_lane(total, 2) + wasm_f32x4_extract_lane(total, 3);
}

}  // namespace

extern "C" {

/// Fills the memory with numbers near 1, so that products neither vanish nor overflow.
__attribute__((export_name("fill"))) void fill(unsigned seed) {
  for (float& value : memory) {
    seed = seed * 1664525U + 1013904223U;
    value = 0.5f + static_cast<float>(seed >> 8) * 0x1p-24f;
  }
}

/// rounds × 6 multiply-adds (f32x4.mul, f32x4.add) in registers alone: no memory is read in the loop. One
/// factor of them changes from round to round (a seventh multiplication, not counted), because a product of
/// two numbers that stay would be computed once.
__attribute__((export_name("registers"))) float registers(size_t rounds, float factor) {
  v128_t sum[kAccumulators];
  // Six sums and six factors, all different (equal products would be computed once): with what changes them
  // they fit into x86's sixteen registers.
  constexpr int kSums = 6;
  v128_t x[kSums];
  for (int k = 0; k < kSums; ++k) x[k] = wasm_v128_load(memory + 64 + 4 * k);
  for (int k = 0; k < kAccumulators; ++k) sum[k] = wasm_v128_load(memory + 4 * k);
  const v128_t shrink = wasm_f32x4_splat(factor);
  v128_t y = shrink;
  for (size_t i = 0; i < rounds; ++i) {
    for (int k = 0; k < kSums; ++k) sum[k] = wasm_f32x4_add(sum[k], wasm_f32x4_mul(x[k], y));
    y = wasm_f32x4_mul(y, shrink);
  }
  return sumOf(sum);
}

/// The inner loop of a product of a vector and a matrix, without anything around it: over `floats` floats (a
/// multiple of 32) of memory in order, `rounds` times, sum[k] += x[i] · weights[i][k] with eight sums of
/// four. floats / 4 · rounds multiply-adds; each reads its own 16 bytes, each eighth broadcasts another x[i].
__attribute__((export_name("multiplyAdd"))) float multiplyAdd(size_t floats, size_t rounds, size_t rows) {
  v128_t sum[kAccumulators];
  for (v128_t& each : sum) each = wasm_f32x4_splat(0.0f);
  for (size_t round = 0; round < rounds; ++round) {
    const float* weights = memory;
    // The vector lies behind the weights and changes from round to round.
    const float* vector = memory + floats + (round & 7U);
    for (size_t at = 0; at < floats;) {
      const size_t end = at + 4 * kAccumulators * rows;
      const size_t stop = end < floats ? end : floats;
      const float* x = vector;
      const auto add = [&] {
        const v128_t xi = wasm_v128_load32_splat(x++);
        for (int k = 0; k < kAccumulators; ++k)
          sum[k] = wasm_f32x4_add(sum[k], wasm_f32x4_mul(xi, wasm_v128_load(weights + 4 * k)));
        weights += 4 * kAccumulators;
        at += 4 * kAccumulators;
      };
      // Four rows of weights in a turn, so that counting them does not count.
      while (at + 16 * kAccumulators <= stop) {
        add();
        add();
        add();
        add();
      }
      while (at < stop) add();
    }
  }
  return sumOf(sum);
}

/// Reads `floats` floats (a multiple of 32) of memory in order, `rounds` times, with one addition for each
/// four.
__attribute__((export_name("readAdd"))) float readAdd(size_t floats, size_t rounds) {
  v128_t sum[kAccumulators];
  for (v128_t& each : sum) each = wasm_f32x4_splat(0.0f);
  for (size_t round = 0; round < rounds; ++round) {
    for (size_t at = 0; at < floats; at += 4 * kAccumulators) {
      for (int k = 0; k < kAccumulators; ++k)
        sum[k] = wasm_f32x4_add(sum[k], wasm_v128_load(memory + at + 4 * k));
    }
    // Otherwise all rounds are the same, and the compiler may compute one of them.
    sum[round & 7U] = wasm_f32x4_add(sum[round & 7U], wasm_f32x4_splat(memory[round & 1023U]));
  }
  return sumOf(sum);
}
}
