//===- MeshOpInterface.h - Axes of ranks ------------------------*- C++ -*-===//

#ifndef PP_DIALECT_COMM_IR_MESHOPINTERFACE_H
#define PP_DIALECT_COMM_IR_MESHOPINTERFACE_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/OpDefinition.h"

#include <optional>

#include "pp/Dialect/Comm/IR/MeshOpInterface.h.inc"

namespace pp::comm {
/// The mesh of the innermost symbol table around `op` that has one; null if
/// there is none. A mesh that stands first in its module is found at once.
MeshOpInterface findMesh(mlir::Operation *op);
} // namespace pp::comm

#endif // PP_DIALECT_COMM_IR_MESHOPINTERFACE_H
