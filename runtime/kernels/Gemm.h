//===- Gemm.h - Matrix products inside kernels ------------------*- C++ -*-===//

#ifndef PPRT_KERNELS_GEMM_H
#define PPRT_KERNELS_GEMM_H

#include "GemmKernel.h"

namespace pprt {
/// c = (alpha a) b, or c + (alpha a) b, row-major, with kernels for the
/// elements of a and b; workspace as pprt_gemm_workspace has it.
void multiply(const GemmKernel &kernel, const GemmOperand &a,
              const GemmOperand &b, int64_t m, int64_t n, int64_t k,
              float alpha, bool accumulate, float *c, int64_t ldc,
              float *workspace);

/// The same for floats; see pprt_sgemm.
void gemm(bool transposeA, bool transposeB, int64_t m, int64_t n, int64_t k,
          float alpha, const float *a, int64_t lda, const float *b, int64_t ldb,
          bool accumulate, float *c, int64_t ldc, float *workspace);

/// A product of bf16 with a kernel for them; see pprt_gemm_bf16.
void gemmBF16(const GemmKernel &kernel, bool transposeA, bool transposeB,
              int64_t m, int64_t n, int64_t k, const uint16_t *a, int64_t lda,
              const uint16_t *b, int64_t ldb, bool accumulate, bool cIsBF16,
              void *c, int64_t ldc, float *workspace);
} // namespace pprt

#endif // PPRT_KERNELS_GEMM_H
