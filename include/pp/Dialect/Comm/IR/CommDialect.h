//===- CommDialect.h - The comm dialect -------------------------*- C++ -*-===//

#ifndef PP_DIALECT_COMM_IR_COMMDIALECT_H
#define PP_DIALECT_COMM_IR_COMMDIALECT_H

#include "mlir/IR/Dialect.h"

#include "pp/Dialect/Comm/IR/CommDialect.h.inc"

#endif // PP_DIALECT_COMM_IR_COMMDIALECT_H
