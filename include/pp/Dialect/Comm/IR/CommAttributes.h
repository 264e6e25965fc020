//===- CommAttributes.h - Distributions of values ---------------*- C++ -*-===//

#ifndef PP_DIALECT_COMM_IR_COMMATTRIBUTES_H
#define PP_DIALECT_COMM_IR_COMMATTRIBUTES_H

#include "pp/Dialect/Comm/IR/Distribution.h"

#include "mlir/IR/Attributes.h"
#include "mlir/IR/BuiltinAttributes.h"

#define GET_ATTRDEF_CLASSES
#include "pp/Dialect/Comm/IR/CommAttributes.h.inc"

#endif // PP_DIALECT_COMM_IR_COMMATTRIBUTES_H
