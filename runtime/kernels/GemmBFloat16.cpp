//===- GemmBFloat16.cpp - Matrix products of bf16 -------------------------===//
//
// Sums are floats. Where c holds bf16, a block of it at a time is summed in the
// workspace, from its old values on if it accumulates, and rounded once.
//
//===----------------------------------------------------------------------===//

#include "BFloat16.h"
#include "Gemm.h"
#include "InstructionSet.h"
#include "pprt_kernels.h"

#include <algorithm>

using namespace pprt;

void pprt::gemmBF16(const GemmKernel &kernel, bool transposeA, bool transposeB,
                    int64_t m, int64_t n, int64_t k, const uint16_t *a,
                    int64_t lda, const uint16_t *b, int64_t ldb,
                    bool accumulate, bool cIsBF16, void *c, int64_t ldc,
                    float *workspace) {
  if (!cIsBF16) {
    multiply(kernel, {a, lda, transposeA}, {b, ldb, !transposeB}, m, n, k, 1,
             accumulate, static_cast<float *>(c), ldc, workspace);
    return;
  }
  for (int64_t i = 0; i < m; i += PPRT_GEMM_ROWS)
    for (int64_t j = 0; j < n; j += PPRT_BF16_COLUMNS) {
      int64_t rows = std::min<int64_t>(PPRT_GEMM_ROWS, m - i);
      int64_t columns = std::min<int64_t>(PPRT_BF16_COLUMNS, n - j);
      uint16_t *target = static_cast<uint16_t *>(c) + i * ldc + j;
      float *sums = workspace;
      if (accumulate)
        widen(rows, columns, target, ldc, sums, columns);
      multiply(kernel, {a + (transposeA ? i : i * lda), lda, transposeA},
               {b + (transposeB ? j * ldb : j), ldb, !transposeB}, rows,
               columns, k, 1, accumulate, sums, columns,
               workspace + rows * columns);
      narrow(rows, columns, sums, columns, target, ldc);
    }
}

extern "C" void pprt_gemm_bf16(int32_t transpose_a, int32_t transpose_b,
                               int64_t m, int64_t n, int64_t k,
                               const uint16_t *a, int64_t lda,
                               const uint16_t *b, int64_t ldb,
                               int32_t accumulate, int32_t c_is_bf16, void *c,
                               int64_t ldc, float *workspace) {
  gemmBF16(*instructionSet().bf16, transpose_a, transpose_b, m, n, k, a, lda, b,
           ldb, accumulate, c_is_bf16, c, ldc, workspace);
}

extern "C" void pprt_gemm_bf16_batched(
    int32_t transpose_a, int32_t transpose_b, int64_t m, int64_t n, int64_t k,
    const uint16_t *a, int64_t lda, const uint16_t *b, int64_t ldb,
    int32_t accumulate, int32_t c_is_bf16, void *c, int64_t ldc, int64_t batch,
    int64_t stride_a, int64_t stride_b, int64_t stride_c, float *workspace) {
  int64_t size = c_is_bf16 ? sizeof(uint16_t) : sizeof(float);
  for (int64_t i = 0; i < batch; ++i)
    pprt_gemm_bf16(transpose_a, transpose_b, m, n, k, a + i * stride_a, lda,
                   b + i * stride_b, ldb, accumulate, c_is_bf16,
                   static_cast<char *>(c) + i * stride_c * size, ldc,
                   workspace);
}
