//===- BFloat16.cpp - Matrices of bf16 and of floats ----------------------===//
//
// By integers, which vectorise everywhere and flush nothing to zero.
//
//===----------------------------------------------------------------------===//

#include "BFloat16.h"

#include <cstring>

// One version for each width of vectors; the loader picks.
#if defined(__x86_64__)
#define PPRT_CLONES                                                            \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define PPRT_CLONES
#endif

PPRT_CLONES void pprt::widen(int64_t rows, int64_t columns,
                             const uint16_t *from, int64_t ldFrom, float *to,
                             int64_t ldTo) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) {
      uint32_t bits = uint32_t(from[i * ldFrom + j]) << 16;
      std::memcpy(&to[i * ldTo + j], &bits, sizeof(bits));
    }
}

PPRT_CLONES void pprt::narrow(int64_t rows, int64_t columns, const float *from,
                              int64_t ldFrom, uint16_t *to, int64_t ldTo) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) {
      uint32_t bits;
      std::memcpy(&bits, &from[i * ldFrom + j], sizeof(bits));
      uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
      uint32_t quiet = bits >> 16 | 0x40;
      bool isNaN = (bits & 0x7fffffff) > 0x7f800000;
      to[i * ldTo + j] = uint16_t(isNaN ? quiet : rounded);
    }
}
