#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#ifdef __wasm_relaxed_simd__
#include <wasm_simd128.h>
#endif

namespace charglow {

/// Four floats in one register: SSE natively, SIMD128 in WebAssembly, plain code where there is neither.
using Float4 = float __attribute__((vector_size(16)));
using Bits4 = uint32_t __attribute__((vector_size(16)));

inline Float4 load(const float* from) {
  Float4 value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

inline void store(Float4 value, float* to) { std::memcpy(to, &value, sizeof value); }

/// The first `count` of four floats; the others are 0.
inline Float4 loadSome(const float* from, size_t count) {
  Float4 value = {0, 0, 0, 0};
  std::memcpy(&value, from, count * sizeof(float));
  return value;
}

/// Four floats where there are as many, else the `count` that are left.
inline Float4 loadUpTo(const float* from, size_t count) {
  return count >= 4 ? load(from) : loadSome(from, count);
}

inline void storeSome(Float4 value, float* to, size_t count) {
  std::memcpy(to, &value, count * sizeof(float));
}

inline void storeUpTo(Float4 value, float* to, size_t count) {
  if (count >= 4) return store(value, to);
  storeSome(value, to, count);
}

inline Float4 four(float x) { return Float4{x, x, x, x}; }

inline float sumOf(Float4 x) { return (x[0] + x[2]) + (x[1] + x[3]); }

/// Whether `count` floats are the same bit for bit: 0 and -0 are not, a NaN and itself are.
inline bool sameBits(const float* x, const float* y, size_t count) {
  Bits4 difference = {0, 0, 0, 0};
  for (size_t i = 0; i < count; i += 4) {
    const size_t left = count - i;
    difference |=
        reinterpret_cast<Bits4>(loadUpTo(x + i, left)) ^ reinterpret_cast<Bits4>(loadUpTo(y + i, left));
  }
  return (difference[0] | difference[1] | difference[2] | difference[3]) == 0;
}

/// Rows of four become columns.
inline void transpose(Float4& a, Float4& b, Float4& c, Float4& d) {
  const Float4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const Float4 abEnd = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Float4 cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const Float4 cdEnd = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  a = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
  b = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
  c = __builtin_shufflevector(abEnd, cdEnd, 0, 1, 4, 5);
  d = __builtin_shufflevector(abEnd, cdEnd, 2, 3, 6, 7);
}

/// a b + c, rounded twice; once where a machine's fused instruction may be used (relaxed SIMD).
inline Float4 multiplyAdd(Float4 a, Float4 b, Float4 c) {
#ifdef __wasm_relaxed_simd__
  return reinterpret_cast<Float4>(wasm_f32x4_relaxed_madd(
      reinterpret_cast<v128_t>(a), reinterpret_cast<v128_t>(b), reinterpret_cast<v128_t>(c)));
#else
  return a * b + c;
#endif
}

/// Per lane: `yes` where `mask` has all bits, `no` where it has none. Comparisons give such masks.
inline Float4 select(Bits4 mask, Float4 yes, Float4 no) {
  return reinterpret_cast<Float4>((mask & reinterpret_cast<Bits4>(yes)) |
                                  (~mask & reinterpret_cast<Bits4>(no)));
}

inline Float4 magnitude(Float4 x) {
  return reinterpret_cast<Float4>(reinterpret_cast<Bits4>(x) & 0x7fffffffu);
}

/// e^x for x <= 0, to 2 units in the last place; 0 below -87.3, where the result is no normal float. NaN
/// stays.
///
/// x = n·ln 2 + r with |r| <= ln(2)/2, and e^r by the polynomial of the Cephes library (expf).
inline Float4 expOfNegative(Float4 x) {
  constexpr float kRound = 12582912.0f;  // 1.5 · 2^23: what is added to it loses its fraction
  const Float4 shifted = x * 1.44269504088896341f + kRound;
  const Float4 n = shifted - kRound;
  Float4 r = x - n * 0.693359375f;  // ln 2 in two parts: n times the first is exact
  r -= n * -2.12194440e-4f;
  Float4 y = four(1.9875691500e-4f);
  y = y * r + 1.3981999507e-3f;
  y = y * r + 8.3334519073e-3f;
  y = y * r + 4.1665795894e-2f;
  y = y * r + 1.6666665459e-1f;
  y = y * r + 5.0000001201e-1f;
  y = y * (r * r) + r + 1.0f;
  const Bits4 exponent = (reinterpret_cast<Bits4>(shifted) - 0x4b400000u + 127u) << 23u;
  const Float4 value = y * reinterpret_cast<Float4>(exponent);
  return select(reinterpret_cast<Bits4>(x < -87.3f), four(0.0f), value);
}

/// 1 / (1 + e^-x); exp's argument stays negative, so that it can underflow but never overflow.
inline Float4 sigmoid(Float4 x) {
  const Float4 e = expOfNegative(-magnitude(x));
  return select(reinterpret_cast<Bits4>(x >= 0.0f), four(1.0f), e) / (1.0f + e);
}

/// tanh x: below 0.625 by the polynomial of the Cephes library (tanhf), above by the exponential.
inline Float4 tanh(Float4 x) {
  const Float4 size = magnitude(x);
  const Float4 e = expOfNegative(size * -2.0f);
  const Float4 large = (1.0f - e) / (1.0f + e);
  const Bits4 sign = reinterpret_cast<Bits4>(x) & 0x80000000u;
  const Float4 signedLarge = reinterpret_cast<Float4>(reinterpret_cast<Bits4>(large) | sign);
  const Float4 z = x * x;
  Float4 p = four(-5.70498872745e-3f);
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  const Float4 small = p * z * x + x;
  return select(reinterpret_cast<Bits4>(size < 0.625f), small, signedLarge);
}

/// clip(0.2 x + 0.5, 0, 1): the hard_sigmoid of Keras 1 and 2.
inline Float4 hardSigmoid2(Float4 x) {
  const Float4 line = 0.2f * x + 0.5f;
  const Float4 capped = select(reinterpret_cast<Bits4>(line > 1.0f), four(1.0f), line);
  return select(reinterpret_cast<Bits4>(line < 0.0f), four(0.0f), capped);
}

}  // namespace charglow
