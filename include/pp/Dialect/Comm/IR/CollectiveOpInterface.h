//===- CollectiveOpInterface.h - Steps between distributions ----*- C++ -*-===//

#ifndef PP_DIALECT_COMM_IR_COLLECTIVEOPINTERFACE_H
#define PP_DIALECT_COMM_IR_COLLECTIVEOPINTERFACE_H

#include "pp/Dialect/Comm/IR/Distribution.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/OpDefinition.h"

#include <optional>

#include "pp/Dialect/Comm/IR/CollectiveOpInterface.h.inc"

#endif // PP_DIALECT_COMM_IR_COLLECTIVEOPINTERFACE_H
