//===- NNAdjoints.h - Helpers for adjoints of nn ops ------------*- C++ -*-===//

#ifndef PP_LIB_DIALECT_NN_IR_NNADJOINTS_H
#define PP_LIB_DIALECT_NN_IR_NNADJOINTS_H

#include "pp/Dialect/NN/IR/NNOps.h"

namespace pp::nn::adjoint {

/// `value` summed over the dimensions that broadcasting `type` to its type
/// repeats: the adjoint of that broadcast.
mlir::Value sumToType(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value value, mlir::RankedTensorType type);

/// A tensor of one number.
mlir::Value splat(mlir::OpBuilder &builder, mlir::Location loc,
                  mlir::RankedTensorType type, double number);

/// `value` converted to the element type of `type`: a sum that adds bf16 to f32
/// has a cotangent of f32.
mlir::Value toElementOf(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::Value value, mlir::RankedTensorType type);

/// All rows of `value` under each other: a tensor of two dimensions with the
/// same last one.
mlir::Value toRows(mlir::OpBuilder &builder, mlir::Location loc,
                   mlir::Value value);

/// Sum over all rows: the adjoint of adding a vector to each row.
mlir::Value sumOfRows(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value value);

} // namespace pp::nn::adjoint

#endif // PP_LIB_DIALECT_NN_IR_NNADJOINTS_H
