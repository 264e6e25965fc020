//===- Passes.h - Facts for the program's description -----------*- C++ -*-===//

#ifndef PP_DIALECT_PP_ANNOTATE_PASSES_H
#define PP_DIALECT_PP_ANNOTATE_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace pp {

#define GEN_PASS_DECL
#include "pp/Dialect/PP/Annotate/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "pp/Dialect/PP/Annotate/Passes.h.inc"

} // namespace pp

#endif // PP_DIALECT_PP_ANNOTATE_PASSES_H
