//===- Gemm.h - Matrix products inside kernels ------------------*- C++ -*-===//

#ifndef PPRT_KERNELS_GEMM_H
#define PPRT_KERNELS_GEMM_H

#include <cstdint>

namespace pprt {
/// c = alpha a b + beta c, row-major; see pprt_sgemm.
void gemm(bool transposeA, bool transposeB, int64_t m, int64_t n, int64_t k,
          float alpha, const float *a, int64_t lda, const float *b, int64_t ldb,
          float beta, float *c, int64_t ldc, float *workspace);
} // namespace pprt

#endif // PPRT_KERNELS_GEMM_H
