//===- Passes.h - Memory of stages and rank programs ------------*- C++ -*-===//

#ifndef PP_DIALECT_PP_MEMORY_PASSES_H
#define PP_DIALECT_PP_MEMORY_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace pp {

#define GEN_PASS_DECL
#include "pp/Dialect/PP/Memory/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "pp/Dialect/PP/Memory/Passes.h.inc"

} // namespace pp

#endif // PP_DIALECT_PP_MEMORY_PASSES_H
