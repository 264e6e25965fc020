//===- Passes.h - Rank programs to LLVM -------------------------*- C++ -*-===//

#ifndef PP_CONVERSION_PROGRAMTOLLVM_PASSES_H
#define PP_CONVERSION_PROGRAMTOLLVM_PASSES_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace pp {

#define GEN_PASS_DECL
#include "pp/Conversion/ProgramToLLVM/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "pp/Conversion/ProgramToLLVM/Passes.h.inc"

} // namespace pp

#endif // PP_CONVERSION_PROGRAMTOLLVM_PASSES_H
