//===- MathFunctions.h - Functions of f32 as arithmetic ---------*- C++ -*-===//

#ifndef PP_CODEGEN_MATHFUNCTIONS_H
#define PP_CODEGEN_MATHFUNCTIONS_H

#include "mlir/IR/Operation.h"

namespace pp {

/// Replaces scalar ops of math in `root` on f32, and on floats that are
/// narrower, by the bodies of lib/CodeGen/MathFunctions.mlir; those that it has
/// none for stay. What replaces an op may use another op of math.
llvm::LogicalResult expandMathFunctions(mlir::Operation *root);

} // namespace pp

#endif // PP_CODEGEN_MATHFUNCTIONS_H
