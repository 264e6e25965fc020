//===- ExposeParallelism.h - Ops in forms that can be cut -------*- C++ -*-===//

#ifndef PP_LIB_DIALECT_PP_TRANSFORMS_EXPOSEPARALLELISM_H
#define PP_LIB_DIALECT_PP_TRANSFORMS_EXPOSEPARALLELISM_H

#include "pp/Dialect/PP/IR/PPOps.h"

namespace pp {

/// Rewrites ops of a layer that is whole into others with the same value that
/// can be cut in more ways for an axis of `size` coordinates.
void exposeParallelism(LayerOp layer, int64_t size);

/// The part of it that is about attention whose key heads are too few.
void repeatKeyHeads(LayerOp layer, int64_t size);

} // namespace pp

#endif // PP_LIB_DIALECT_PP_TRANSFORMS_EXPOSEPARALLELISM_H
