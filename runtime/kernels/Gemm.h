//===- Gemm.h - Matrix products inside kernels ------------------*- C++ -*-===//

#ifndef PPRT_KERNELS_GEMM_H
#define PPRT_KERNELS_GEMM_H

#include <cstdint>

namespace pprt {
/// c = alpha a b + beta c, row-major; see pprt_sgemm.
void gemm(bool transposeA, bool transposeB, int64_t m, int64_t n, int64_t k,
          float alpha, const float *a, int64_t lda, const float *b, int64_t ldb,
          float beta, float *c, int64_t ldc, float *workspace);

/// Whether processor and oneDNN multiply bf16. ONEDNN_MAX_CPU_ISA=AVX2, a
/// variable of oneDNN's own, denies it.
bool multipliesBF16();

/// c = a b, or c + a b, of bf16 in floats where `multipliesBF16`; the workspace
/// has `size` floats.
void gemmBF16(bool transposeA, bool transposeB, int64_t m, int64_t n, int64_t k,
              const uint16_t *a, int64_t lda, const uint16_t *b, int64_t ldb,
              bool accumulate, float *c, int64_t ldc, float *workspace,
              int64_t size);
} // namespace pprt

#endif // PPRT_KERNELS_GEMM_H
