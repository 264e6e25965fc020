//===- GemmPortable.cpp - Matrix products for any processor ---------------===//
//
// In vectors of 4. Where the target's basic instructions have no FMA, as those
// of x86-64, each is a call of the C library: correct and very slow.
//
//===----------------------------------------------------------------------===//

#define PPRT_ISA portable
#include "GemmTiles.h"

using namespace pprt::portable;

const pprt::GemmKernel pprt::portableFloats =
    makeGemm<FloatElements, FusedFloats, 4, 4, 16>();
const pprt::GemmKernel pprt::portableWidened =
    makeGemm<WidenedElements, FusedFloats, 4, 4, 16>();
