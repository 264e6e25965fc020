//===- Layers.h - Layers as people shard them -------------------*- C++ -*-===//

#ifndef PP_TEST_UNIT_DIALECT_COMM_LAYERS_H
#define PP_TEST_UNIT_DIALECT_COMM_LAYERS_H

#include "Support.h"

namespace pp::commtest {
/// Layers by hand on a mesh of two axes, "data" and "tensor", of `n` each.
std::vector<Layer> makeLayers(int64_t n);

/// A step of a ring, which as a whole is a rotation of blocks. It is part of
/// what the layer computes: without it the layer is another, and as right.
Layer makeRing(int64_t n);
} // namespace pp::commtest

#endif // PP_TEST_UNIT_DIALECT_COMM_LAYERS_H
