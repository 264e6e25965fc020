//===- PPDialect.h - The pp dialect -----------------------------*- C++ -*-===//

#ifndef PP_DIALECT_PP_IR_PPDIALECT_H
#define PP_DIALECT_PP_IR_PPDIALECT_H

#include "pp/Dialect/Comm/IR/CommDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Dialect.h"

#include "pp/Dialect/PP/IR/PPDialect.h.inc"

#endif // PP_DIALECT_PP_IR_PPDIALECT_H
