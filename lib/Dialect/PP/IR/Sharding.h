//===- Sharding.h - Shardings of parameters ---------------------*- C++ -*-===//

#ifndef PP_LIB_DIALECT_PP_IR_SHARDING_H
#define PP_LIB_DIALECT_PP_IR_SHARDING_H

#include "pp/Dialect/PP/IR/PPOps.h"

namespace pp::detail {

/// The sharding of a parameter (null: none) fits its type and the mesh of the
/// module, if that has one already, cuts over no axis of stages, and a
/// dimension over axes in the order of the mesh. Emits an error at `op`.
mlir::LogicalResult verifySharding(mlir::Operation *op, ShardingAttr sharding,
                                   mlir::RankedTensorType type);

/// The type of the part that one coordinate on the mesh of the module of `op`
/// has of a tensor; the type itself without a sharding or a mesh.
mlir::RankedTensorType getLocalType(mlir::Operation *op, ShardingAttr sharding,
                                    mlir::RankedTensorType type);

} // namespace pp::detail

#endif // PP_LIB_DIALECT_PP_IR_SHARDING_H
