//===- Passes.h - Passes of the nn dialect ----------------------*- C++ -*-===//

#ifndef PP_DIALECT_NN_TRANSFORMS_PASSES_H
#define PP_DIALECT_NN_TRANSFORMS_PASSES_H

#include "mlir/Pass/Pass.h"

namespace pp::nn {

#define GEN_PASS_DECL
#include "pp/Dialect/NN/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "pp/Dialect/NN/Transforms/Passes.h.inc"

} // namespace pp::nn

#endif // PP_DIALECT_NN_TRANSFORMS_PASSES_H
