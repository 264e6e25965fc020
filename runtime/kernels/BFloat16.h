//===- BFloat16.h - Matrices of bf16 and of floats --------------*- C++ -*-===//

#ifndef PPRT_KERNELS_BFLOAT16_H
#define PPRT_KERNELS_BFLOAT16_H

#include <cstdint>

namespace pprt {
/// Copies a matrix, bf16 to float: exact.
void widen(int64_t rows, int64_t columns, const uint16_t *from, int64_t ldFrom,
           float *to, int64_t ldTo);

/// Copies a matrix, float to bf16: to nearest, ties to even; NaN stays NaN.
void narrow(int64_t rows, int64_t columns, const float *from, int64_t ldFrom,
            uint16_t *to, int64_t ldTo);
} // namespace pprt

#endif // PPRT_KERNELS_BFLOAT16_H
