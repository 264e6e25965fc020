//===- RandomLayer.h - Layers that are right by construction ----*- C++ -*-===//

#ifndef PP_TEST_UNIT_DIALECT_COMM_RANDOMLAYER_H
#define PP_TEST_UNIT_DIALECT_COMM_RANDOMLAYER_H

#include "Support.h"

namespace pp::commtest {
/// A layer of random ops, and the same cut over axis "tensor" of size `n`, 2 or
/// 4, with the collectives that its ops need.
Layer makeRandomLayer(uint64_t seed, int64_t n);
} // namespace pp::commtest

#endif // PP_TEST_UNIT_DIALECT_COMM_RANDOMLAYER_H
