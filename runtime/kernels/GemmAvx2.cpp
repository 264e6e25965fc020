//===- GemmAvx2.cpp - Matrix products by AVX2 and FMA ---------------------===//
//
// 12 of 16 registers hold the tile.
//
//===----------------------------------------------------------------------===//

#define PPRT_ISA avx2
#include "GemmTiles.h"

using namespace pprt::avx2;

const pprt::GemmKernel pprt::avx2Floats =
    makeGemm<FloatElements, FusedFloats, 8, 6, 16>();
const pprt::GemmKernel pprt::avx2Widened =
    makeGemm<WidenedElements, FusedFloats, 8, 6, 16>();
