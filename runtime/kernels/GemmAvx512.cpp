//===- GemmAvx512.cpp - Matrix products by AVX-512 ------------------------===//
//
// 24 of 32 registers hold the tile. 14 x 32 would use 28, but loads more
// numbers of a for each multiplication, and measured slower.
//
//===----------------------------------------------------------------------===//

#define PPRT_ISA avx512
#include "GemmTiles.h"

using namespace pprt::avx512;

const pprt::GemmKernel pprt::avx512Floats =
    makeGemm<FloatElements, FusedFloats, 16, 8, 48>();
const pprt::GemmKernel pprt::avx512Widened =
    makeGemm<WidenedElements, FusedFloats, 16, 8, 48>();
