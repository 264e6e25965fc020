//===- CommOps.h - Ops of the comm dialect ----------------------*- C++ -*-===//

#ifndef PP_DIALECT_COMM_IR_COMMOPS_H
#define PP_DIALECT_COMM_IR_COMMOPS_H

#include "pp/Dialect/Comm/IR/CollectiveOpInterface.h"
#include "pp/Dialect/Comm/IR/CommAttributes.h"
#include "pp/Dialect/Comm/IR/CommDialect.h"
#include "pp/Interfaces/CostOpInterface.h"
#include "pp/Interfaces/DifferentiableOpInterface.h"
#include "pp/Interfaces/MeshOpInterface.h"
#include "pp/Interfaces/ShardableOpInterface.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "pp/Dialect/Comm/IR/CommEnums.h.inc"

#define GET_OP_CLASSES
#include "pp/Dialect/Comm/IR/CommOps.h.inc"

namespace pp::comm {

/// Constraint (C1) of collectives, and that their tensors exist. Emits an
/// error.
llvm::LogicalResult verifyAxes(mlir::Operation *op, mlir::ArrayAttr axes);
/// Constraint (C2) of collectives: the size of the group. Emits an error.
llvm::FailureOr<int64_t> verifyGroup(mlir::Operation *op, mlir::ArrayAttr axes);

} // namespace pp::comm

#endif // PP_DIALECT_COMM_IR_COMMOPS_H
