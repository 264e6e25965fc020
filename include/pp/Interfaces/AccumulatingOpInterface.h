//===- AccumulatingOpInterface.h - result = init + op -----------*- C++ -*-===//

#ifndef PP_INTERFACES_ACCUMULATINGOPINTERFACE_H
#define PP_INTERFACES_ACCUMULATINGOPINTERFACE_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"

#include "pp/Interfaces/AccumulatingOpInterface.h.inc"

#endif // PP_INTERFACES_ACCUMULATINGOPINTERFACE_H
