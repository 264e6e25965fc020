//===- ElementwiseOpInterface.h - One scalar at a time ----------*- C++ -*-===//

#ifndef PP_INTERFACES_ELEMENTWISEOPINTERFACE_H
#define PP_INTERFACES_ELEMENTWISEOPINTERFACE_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"

namespace pp::detail {
/// The indexing maps of an op whose tensor operands broadcast to its one
/// tensor result: for each operand, then for the result.
llvm::SmallVector<mlir::AffineMap> broadcastIndexingMaps(mlir::Operation *op);
} // namespace pp::detail

#include "pp/Interfaces/ElementwiseOpInterface.h.inc"

#endif // PP_INTERFACES_ELEMENTWISEOPINTERFACE_H
