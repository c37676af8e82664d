#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace charglow {

/// Memory that begins where a cache line does, so that no load of four floats is split between two.
template <class T>
struct CacheAligned {
  using value_type = T;
  static constexpr std::align_val_t kLine{64};

  CacheAligned() = default;
  template <class Other>
  explicit CacheAligned(const CacheAligned<Other>& /*other*/) {}

  T* allocate(size_t count) {
    if (count > static_cast<size_t>(-1) / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(::operator new(count * sizeof(T), kLine));
  }
  void deallocate(T* memory, size_t /*count*/) { ::operator delete(memory, kLine); }

  bool operator==(const CacheAligned& /*other*/) const { return true; }
};

using AlignedFloats = std::vector<float, CacheAligned<float>>;

}  // namespace charglow
