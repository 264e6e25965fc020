//===- GemmBFloat16.cpp - Matrix products of bf16 -------------------------===//
//
// oneDNN multiplies bf16 only where the processor does. Elsewhere blocks of
// both operands become floats in the workspace: an element of the right one is
// converted once for each 256 rows of the product, which is little beside its
// 512 multiplications there, and no operand is ever held a second time.
//
//===----------------------------------------------------------------------===//

#include "BFloat16.h"
#include "Gemm.h"
#include "pprt_kernels.h"

#include <algorithm>

namespace {
/// An operand: where the element of a row and a column of it lies.
struct Operand {
  const uint16_t *data;
  int64_t leading;
  bool transposed;

  const uint16_t *at(int64_t row, int64_t column) const {
    return transposed ? data + column * leading + row
                      : data + row * leading + column;
  }
  /// The block as floats, stored as the operand is; returns the distance of its
  /// rows in memory.
  int64_t widen(int64_t row, int64_t column, int64_t rows, int64_t columns,
                float *to) const {
    if (transposed)
      std::swap(rows, columns);
    pprt::widen(rows, columns, at(row, column), leading, to, columns);
    return columns;
  }
};

/// c (+)= a b for a block of c in floats.
class Block {
public:
  Block(Operand a, Operand b, int64_t row, int64_t column, int64_t rows,
        int64_t columns, int64_t k, float *workspace)
      : a(a), b(b), row(row), column(column), rows(rows), columns(columns),
        k(k), workspace(workspace) {}

  void run(bool accumulate, float *c, int64_t ldc) {
    if (pprt::multipliesBF16())
      pprt::gemmBF16(
          a.transposed, b.transposed, rows, columns, k, a.at(row, 0), a.leading,
          b.at(0, column), b.leading, accumulate, c, ldc, workspace,
          pprt_gemm_bf16_workspace(rows, columns, k) - rows * columns);
    else
      runWide(accumulate, c, ldc);
  }

private:
  void runWide(bool accumulate, float *c, int64_t ldc) {
    int64_t longest = std::min<int64_t>(k, PPRT_BF16_DEPTH);
    float *wideA = workspace;
    float *wideB = wideA + rows * longest;
    float *packed = wideB + longest * columns;
    for (int64_t l = 0; l < k; l += PPRT_BF16_DEPTH) {
      int64_t depth = std::min<int64_t>(PPRT_BF16_DEPTH, k - l);
      int64_t lda = a.widen(row, l, rows, depth, wideA);
      int64_t ldb = b.widen(l, column, depth, columns, wideB);
      pprt::gemm(a.transposed, b.transposed, rows, columns, depth, 1.0f, wideA,
                 lda, wideB, ldb, accumulate || l > 0, c, ldc, packed);
    }
  }

  Operand a, b;
  int64_t row, column, rows, columns, k;
  float *workspace;
};
} // namespace

extern "C" void pprt_gemm_bf16(int32_t transpose_a, int32_t transpose_b,
                               int64_t m, int64_t n, int64_t k,
                               const uint16_t *a, int64_t lda,
                               const uint16_t *b, int64_t ldb,
                               int32_t accumulate, int32_t c_is_bf16, void *c,
                               int64_t ldc, float *workspace) {
  Operand left{a, lda, transpose_a != 0}, right{b, ldb, transpose_b != 0};
  for (int64_t i = 0; i < m; i += PPRT_BF16_ROWS) {
    int64_t rows = std::min<int64_t>(PPRT_BF16_ROWS, m - i);
    for (int64_t j = 0; j < n; j += PPRT_BF16_COLUMNS) {
      int64_t columns = std::min<int64_t>(PPRT_BF16_COLUMNS, n - j);
      float *sums = workspace;
      Block block(left, right, i, j, rows, columns, k,
                  workspace + rows * columns);
      if (!c_is_bf16) {
        block.run(accumulate, static_cast<float *>(c) + i * ldc + j, ldc);
        continue;
      }
      uint16_t *target = static_cast<uint16_t *>(c) + i * ldc + j;
      if (accumulate)
        pprt::widen(rows, columns, target, ldc, sums, columns);
      block.run(accumulate, sums, columns);
      pprt::narrow(rows, columns, sums, columns, target, ldc);
    }
  }
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
