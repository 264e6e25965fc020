//===- Philox.h - Philox4x32-10, a counter-based generator ----------------===//
//
// J. Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
// Block i of a stream is a pure function of (key, i), so that any element of
// any parameter can be made by any rank, in any order.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_PHILOX_H
#define PPRT_PHILOX_H

#include <array>
#include <cstdint>

namespace pprt {

using PhiloxBlock = std::array<uint32_t, 4>;

inline PhiloxBlock philox(PhiloxBlock counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t product0 = uint64_t(0xD2511F53u) * counter[0];
    uint64_t product1 = uint64_t(0xCD9E8D57u) * counter[2];
    counter = {
        uint32_t(product1 >> 32) ^ counter[1] ^ key[0], uint32_t(product1),
        uint32_t(product0 >> 32) ^ counter[3] ^ key[1], uint32_t(product0)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

/// The block of 64-bit `key` and two 64-bit counters.
inline PhiloxBlock philox(uint64_t key, uint64_t low, uint64_t high) {
  return philox({uint32_t(low), uint32_t(low >> 32), uint32_t(high),
                 uint32_t(high >> 32)},
                {uint32_t(key), uint32_t(key >> 32)});
}

/// 64 bits of it.
inline uint64_t philox64(uint64_t key, uint64_t low, uint64_t high) {
  PhiloxBlock block = philox(key, low, high);
  return uint64_t(block[1]) << 32 | block[0];
}

} // namespace pprt

#endif // PPRT_PHILOX_H
