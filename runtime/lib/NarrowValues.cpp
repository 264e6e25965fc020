//===- NarrowValues.cpp - f32 and the types of files ----------------------===//

#include "NarrowValues.h"

#include "RoundToBF16.h"

#include <cmath>
#include <cstring>

using namespace pprt;

const char *pprt::nameOf(ValueType type) {
  return type == ValueType::F32    ? "F32"
         : type == ValueType::BF16 ? "BF16"
                                   : "F16";
}

const char *pprt::torchNameOf(ValueType type) {
  return type == ValueType::F32    ? "float32"
         : type == ValueType::BF16 ? "bfloat16"
                                   : "float16";
}

uint64_t pprt::bytesOfValue(ValueType type) {
  return type == ValueType::F32 ? 4 : 2;
}

/// A half: 1 bit of sign, 5 of exponent (biased by 15), 10 of mantissa.
uint16_t pprt::roundToF16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000)
    return uint16_t(sign | 0x7e00);
  if (magnitude >= 0x47800000) // 2^16
    return uint16_t(sign | 0x7c00);
  // Below 2^-14 halves are multiples of 2^-24.
  if (magnitude < 0x38800000)
    return uint16_t(sign |
                    uint32_t(std::nearbyint(std::fabs(value) * 0x1p24f)));
  const uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return uint16_t(sign | (rounded - 0x38000000) >> 13);
}

float pprt::widenF16(uint16_t bits) {
  const int exponent = bits >> 10 & 0x1f, mantissa = bits & 0x3ff;
  const float magnitude =
      exponent == 0    ? std::ldexp(float(mantissa), -24)
      : exponent == 31 ? (mantissa ? NAN : INFINITY)
                       : std::ldexp(float(1024 + mantissa), exponent - 25);
  return bits >> 15 ? -magnitude : magnitude;
}

float pprt::widenBF16(uint16_t bits) {
  const uint32_t wide = uint32_t(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

void pprt::narrow(const float *from, uint64_t count, ValueType type, char *to) {
  if (type == ValueType::F32) {
    std::memcpy(to, from, count * sizeof(float));
    return;
  }
  uint16_t part[1024];
  for (uint64_t at = 0; at < count; at += 1024) {
    const uint64_t n = count - at < 1024 ? count - at : 1024;
    if (type == ValueType::BF16)
      roundToBF16(from + at, part, n);
    else
      for (uint64_t i = 0; i < n; ++i)
        part[i] = roundToF16(from[at + i]);
    std::memcpy(to + at * sizeof(uint16_t), part, n * sizeof(uint16_t));
  }
}

uint64_t pprt::firstInfiniteAs(ValueType type, const float *values,
                               uint64_t count) {
  // The smallest numbers that round up: halves of the last step above the
  // largest finite one.
  const float limit = type == ValueType::BF16  ? 0x1.ffp127f
                      : type == ValueType::F16 ? 65520.0f
                                               : INFINITY;
  for (uint64_t i = 0; i < count; ++i)
    if (std::fabs(values[i]) >= limit && std::isfinite(values[i]))
      return i;
  return count;
}
