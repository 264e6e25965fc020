//===- GemmKernel.h - The parts of a product for a processor ----*- C++ -*-===//
//
// What differs between instruction sets, behind pointers: packing of operands
// and the multiplication of packed blocks. GemmTiles.h has the code, Gemm.cpp
// the loops around it.
//
//===----------------------------------------------------------------------===//

#ifndef PPRT_KERNELS_GEMMKERNEL_H
#define PPRT_KERNELS_GEMMKERNEL_H

#include <cstdint>

namespace pprt {

/// An operand in memory. Its lines are the rows of a or the columns of b.
struct GemmOperand {
  const void *data;
  int64_t leading;
  /// Whether lines lie side by side and the depth is `leading` elements apart
  /// (a transposed, or b not), or the other way round.
  bool isAcross;
};

/// a as the multiplication reads it: panels of a packed block, or floats where
/// the operand has them, rows and steps that far apart.
struct GemmRows {
  const float *data;
  bool isPacked;
  int64_t row = 0, step = 0;
};
/// b likewise. Floats that are not packed are whole vectors: columns are a
/// multiple of 16.
struct GemmColumns {
  const float *data;
  bool isPacked;
  int64_t step = 0;
};

/// For operands of one element type.
struct GemmKernel {
  /// Rows and columns of a tile.
  int64_t rows, columns;
  /// Elements of the depth in a step, which takes 4 bytes of a line.
  int64_t stepDepth;
  /// Whether steps are floats as operands have them.
  bool takesOperands;

  /// Packs lines [first, first + lines) at [begin, begin + depth), times alpha,
  /// as panels of `panelRows` <= rows lines; the last has what is left. bf16
  /// know no alpha.
  void (*packRows)(const GemmOperand &a, int64_t first, int64_t lines,
                   int64_t panelRows, int64_t begin, int64_t depth, float alpha,
                   float *to);
  /// The same as panels of `panelColumns` <= columns lines, a multiple of 16.
  /// The last one has what is left, rounded up to whole vectors of at most 16,
  /// and its excess holds anything.
  void (*packColumns)(const GemmOperand &b, int64_t first, int64_t lines,
                      int64_t panelColumns, int64_t begin, int64_t depth,
                      float *to);
  /// c = a b, or c + a b, for blocks that are `steps` deep.
  void (*multiply)(int64_t rows, int64_t panelRows, int64_t columns,
                   int64_t panelColumns, int64_t steps, const GemmRows &a,
                   const GemmColumns &b, bool accumulate, float *c,
                   int64_t ldc);
};

/// Floats, and bf16 that are converted to floats in packing.
extern const GemmKernel portableFloats, portableWidened;
#if defined(__x86_64__)
extern const GemmKernel avx2Floats, avx2Widened;
extern const GemmKernel avx512Floats, avx512Widened;
/// bf16 by the processor's instruction for pairs of them.
extern const GemmKernel avx512Pairs;
#endif

} // namespace pprt

#endif // PPRT_KERNELS_GEMMKERNEL_H
