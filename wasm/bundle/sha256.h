#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace charglow {

/// SHA-256 (FIPS 180-4), fed piece by piece.
///
/// Written here because no header-only implementation comes with every package manager that has Eigen and
/// nlohmann/json, and because the host's (crypto.subtle) is asynchronous and missing on plain http.
class Sha256 {
 public:
  void update(std::span<const std::byte> bytes);
  /// The digest as 64 lower-case hexadecimal digits. Nothing may be fed afterwards.
  [[nodiscard]] std::string finish();

 private:
  void compress(const std::byte* block);

  std::array<uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::byte, 64> block_{};  ///< bytes that do not fill a block yet
  size_t pending_ = 0;                 ///< how many of them
  uint64_t length_ = 0;                ///< bytes fed so far
};

}  // namespace charglow
