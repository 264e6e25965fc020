//===- Passes.h - Passes of the comm dialect --------------------*- C++ -*-===//

#ifndef PP_DIALECT_COMM_TRANSFORMS_PASSES_H
#define PP_DIALECT_COMM_TRANSFORMS_PASSES_H

#include "mlir/Pass/Pass.h"

namespace pp::comm {

#define GEN_PASS_DECL
#include "pp/Dialect/Comm/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "pp/Dialect/Comm/Transforms/Passes.h.inc"

} // namespace pp::comm

#endif // PP_DIALECT_COMM_TRANSFORMS_PASSES_H
