//===- NNDialect.h - The nn dialect -----------------------------*- C++ -*-===//

#ifndef PP_DIALECT_NN_IR_NNDIALECT_H
#define PP_DIALECT_NN_IR_NNDIALECT_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Dialect.h"

#include "pp/Dialect/NN/IR/NNDialect.h.inc"

#endif // PP_DIALECT_NN_IR_NNDIALECT_H
