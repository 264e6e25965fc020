//===- Sharding.h - Shardings of parameters ---------------------*- C++ -*-===//

#ifndef PP_LIB_DIALECT_PP_IR_SHARDING_H
#define PP_LIB_DIALECT_PP_IR_SHARDING_H

#include "pp/Dialect/PP/IR/PPOps.h"

namespace pp::detail {

/// The sharding of a parameter (null: none) fits its type and the mesh of the
/// module, if that has one already, and cuts over no axis of stages. Emits an
/// error at `op`.
mlir::LogicalResult verifySharding(mlir::Operation *op, ShardingAttr sharding,
                                   mlir::RankedTensorType type);

} // namespace pp::detail

#endif // PP_LIB_DIALECT_PP_IR_SHARDING_H
