//===- MeshOpInterface.h - Axes of ranks ------------------------*- C++ -*-===//

#ifndef PP_INTERFACES_MESHOPINTERFACE_H
#define PP_INTERFACES_MESHOPINTERFACE_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/OpDefinition.h"

#include <optional>

#include "pp/Interfaces/MeshOpInterface.h.inc"

namespace pp {
/// The mesh of the innermost symbol table around `op` that has one; null if
/// there is none. A mesh that stands first in its module is found at once.
MeshOpInterface findMesh(mlir::Operation *op);

/// Verifies that `op` names at least one axis, that names are not empty and
/// stand once. Emits an error, as of the op's constraint `constraint`.
llvm::LogicalResult verifyAxisNames(mlir::Operation *op, mlir::ArrayAttr axes,
                                    llvm::StringRef constraint);
/// The number of ranks that differ in their coordinates on `axes` only. These
/// must be axes of the mesh around `op`, in its order; emits an error, as of
/// the op's constraint `constraint`.
llvm::FailureOr<int64_t> findGroupSize(mlir::Operation *op,
                                       mlir::ArrayAttr axes,
                                       llvm::StringRef constraint);
} // namespace pp

#endif // PP_INTERFACES_MESHOPINTERFACE_H
