//===- NNAttributes.h - Attributes of the nn dialect ------------*- C++ -*-===//

#ifndef PP_DIALECT_NN_IR_NNATTRIBUTES_H
#define PP_DIALECT_NN_IR_NNATTRIBUTES_H

#include "mlir/IR/Attributes.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

#include "pp/Dialect/NN/IR/NNAttrInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "pp/Dialect/NN/IR/NNAttributes.h.inc"

#endif // PP_DIALECT_NN_IR_NNATTRIBUTES_H
