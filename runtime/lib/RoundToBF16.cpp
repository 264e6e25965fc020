//===- RoundToBF16.cpp - First values of parameters of bf16 ---------------===//
#include "RoundToBF16.h"

#include <cstring>

void pprt::roundToBF16(const float *__restrict from, uint16_t *__restrict to,
                       uint64_t n) {
  for (uint64_t i = 0; i < n; ++i) {
    uint32_t bits;
    std::memcpy(&bits, &from[i], sizeof bits);
    uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    bool isNaN = (bits & 0x7fffffff) > 0x7f800000;
    to[i] = uint16_t(isNaN ? bits >> 16 | 0x40 : rounded);
  }
}
