//===- NarrowValues.h - f32 and the types of files ------------------------===//
#ifndef PPRT_NARROWVALUES_H
#define PPRT_NARROWVALUES_H

#include <cstdint>
#include <string>

namespace pprt {

/// The types that weights have in files. The trained values are f32.
enum class ValueType { F32, BF16, F16 };

/// As safetensors spells it: "BF16".
const char *nameOf(ValueType type);
/// As config.json spells it: "bfloat16".
const char *torchNameOf(ValueType type);
uint64_t bytesOfValue(ValueType type);

/// Rounds to nearest, ties to even; NaN stays NaN.
uint16_t roundToF16(float value);
/// Exact.
float widenBF16(uint16_t bits);
float widenF16(uint16_t bits);

/// Writes `count` values as bytes of `type`, little-endian.
void narrow(const float *from, uint64_t count, ValueType type, char *to);

/// The first of `count` finite values that is infinite in `type`; `count` if
/// there is none.
uint64_t firstInfiniteAs(ValueType type, const float *values, uint64_t count);

} // namespace pprt

#endif // PPRT_NARROWVALUES_H
