//===- Permutation.h - Keyed permutations that are computed -----*- C++ -*-===//
//
// A Feistel network over Philox is a bijection of [0, 2^b) that needs no table:
// the bits of a number are two halves, and each round adds to one half a random
// function of the other. With 2^b the next power of two, an image that is not
// below `count` goes through the network again until one is (cycle walking: M.
// Black and P. Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002),
// which permutes [0, count) and takes less than two walks on average.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_PERMUTATION_H
#define PPRT_PERMUTATION_H

#include "Philox.h"

#include <cstdint>

namespace pprt {

/// Permutation number `number` (below 2^60) of [0, count) under `key`; count
/// from 1 to 2^63.
class Permutation {
public:
  Permutation(uint64_t key, uint64_t number, uint64_t count)
      : key(key), number(number), count(count) {
    unsigned bits = 0;
    while (bits < 63 && uint64_t(1) << bits < count)
      ++bits;
    lowBits = bits / 2;
    lowMask = (uint64_t(1) << lowBits) - 1;
    highMask = (uint64_t(1) << (bits - lowBits)) - 1;
  }

  /// The image of `i`, which is below count.
  uint64_t operator()(uint64_t i) const {
    do
      i = encrypt(i);
    while (i >= count);
    return i;
  }

private:
  /// Four rounds a half. Three are enough to hide what is random from who may
  /// choose numbers (M. Luby and C. Rackoff, 1988); halves of few bits need
  /// more to reach every permutation about equally often.
  static constexpr uint64_t rounds = 8;

  uint64_t encrypt(uint64_t i) const {
    uint64_t low = i & lowMask, high = i >> lowBits;
    for (uint64_t round = 0; round < rounds; round += 2) {
      high ^= philox64(key, low, number * 16 + round) & highMask;
      low ^= philox64(key, high, number * 16 + round + 1) & lowMask;
    }
    return high << lowBits | low;
  }

  uint64_t key, number, count;
  unsigned lowBits;
  uint64_t lowMask, highMask;
};

} // namespace pprt

#endif // PPRT_PERMUTATION_H
