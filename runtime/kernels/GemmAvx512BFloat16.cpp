//===- GemmAvx512BFloat16.cpp - Matrix products of bf16 by AVX512-BF16 ----===//
//
// VDPBF16PS adds the products of two pairs of bf16 to a float: that of the
// second ones first, then that of the first ones, each with one rounding to
// nearest even; what is denormal counts as 0 and becomes 0. Tests put a
// function in its place that does the same.
//
//===----------------------------------------------------------------------===//

#define PPRT_ISA avx512bf16
#include "GemmTiles.h"

#include <immintrin.h>

using namespace pprt::avx512bf16;

namespace {
struct PairProducts {
  using Floats = Vectors<16>::Floats;
  static PPRT_INLINE Floats step(Floats sum, Floats a, Floats b) {
    return (Floats)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
  }
};
} // namespace

const pprt::GemmKernel pprt::avx512Pairs =
    makeGemm<PairedElements, PairProducts, 16, 8, 48>();
