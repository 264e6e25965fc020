//===- CostOpInterface.h - What an op costs ---------------------*- C++ -*-===//

#ifndef PP_INTERFACES_COSTOPINTERFACE_H
#define PP_INTERFACES_COSTOPINTERFACE_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"

namespace pp::detail {
/// Bytes of all statically shaped tensors among `types`, packed; other types
/// count nothing.
uint64_t sumOfBytes(mlir::TypeRange types);
} // namespace pp::detail

#include "pp/Interfaces/CostOpInterface.h.inc"

#endif // PP_INTERFACES_COSTOPINTERFACE_H
