// What VDPBF16PS does, in software: to the sum of floats the product of the
// second bf16 of both pairs is added, then that of the first ones, each rounded
// once, to nearest even; what is denormal counts as 0 and becomes 0.
#ifndef PP_TEST_PAIRPRODUCTS_H
#define PP_TEST_PAIRPRODUCTS_H

#include <cmath>
#include <cstdint>
#include <cstring>

inline float withoutDenormal(float value) {
  return std::fabs(value) < 0x1p-126f ? std::copysign(0.0f, value) : value;
}

inline float floatOfHalf(uint32_t pair, bool second) {
  uint32_t bits = second ? pair & 0xffff0000u : pair << 16;
  float result;
  std::memcpy(&result, &bits, sizeof result);
  return withoutDenormal(result);
}

inline float addPairProducts(float sum, uint32_t a, uint32_t b) {
  for (bool second : {true, false})
    sum = withoutDenormal(std::fma(
        floatOfHalf(a, second), floatOfHalf(b, second), withoutDenormal(sum)));
  return sum;
}

#endif
