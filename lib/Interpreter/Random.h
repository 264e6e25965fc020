//===- Random.h - The random numbers of a run -------------------*- C++ -*-===//
//
// Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3",
// 2011) and the keys that docs/Runtime.md derives: written again, so that the
// runtime and the code that draws for dropout are checked, too.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIB_INTERPRETER_RANDOM_H
#define PP_LIB_INTERPRETER_RANDOM_H

#include "llvm/ADT/StringRef.h"

#include <array>
#include <cstdint>

namespace pp::interpreter {

using Words = std::array<uint32_t, 4>;

inline Words philox(uint64_t key, uint64_t low, uint64_t high) {
  auto lower = [](uint64_t x) { return static_cast<uint32_t>(x); };
  auto upper = [](uint64_t x) { return static_cast<uint32_t>(x >> 32); };
  Words c = {lower(low), upper(low), lower(high), upper(high)};
  uint32_t k0 = lower(key), k1 = upper(key);
  for (int round = 0; round < 10; ++round) {
    uint64_t p0 = UINT64_C(0xd2511f53) * c[0];
    uint64_t p1 = UINT64_C(0xcd9e8d57) * c[2];
    c = {upper(p1) ^ c[1] ^ k0, lower(p1), upper(p0) ^ c[3] ^ k1, lower(p0)};
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
  return c;
}

inline uint64_t philox64(uint64_t key, uint64_t low) {
  Words words = philox(key, low, 0);
  return static_cast<uint64_t>(words[1]) << 32 | words[0];
}

/// The key of a stream of numbers: FNV-1a of its name, mixed with the seed.
inline uint64_t keyOfStream(uint64_t seed, llvm::StringRef name) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (char c : name)
    hash = (hash ^ static_cast<unsigned char>(c)) * UINT64_C(0x100000001b3);
  return philox64(hash, seed);
}

/// A key for use number `salt` of `key` (the finaliser of SplitMix64). Key 0,
/// with which nothing is dropped, stays 0.
inline uint64_t mixKey(uint64_t key, uint64_t salt) {
  if (key == 0)
    return 0;
  uint64_t z = key + (salt + 1) * UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

} // namespace pp::interpreter

#endif // PP_LIB_INTERPRETER_RANDOM_H
