//===- RoundToBF16.h - First values of parameters of bf16 -----------------===//
#ifndef PPRT_ROUNDTOBF16_H
#define PPRT_ROUNDTOBF16_H

#include <cstdint>

namespace pprt {

/// Rounds to bf16, the upper half of a float: to nearest, ties to even; NaN
/// stays NaN. As the program's own updates round masters.
void roundToBF16(const float *from, uint16_t *to, uint64_t n);

} // namespace pprt

#endif // PPRT_ROUNDTOBF16_H
