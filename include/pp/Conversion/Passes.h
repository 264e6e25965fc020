//===- Passes.h - Conversions between dialects ------------------*- C++ -*-===//

#ifndef PP_CONVERSION_PASSES_H
#define PP_CONVERSION_PASSES_H

#include "pp/Dialect/Kernel/IR/KernelDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/Pass.h"

namespace pp {
#define GEN_PASS_DECL
#include "pp/Conversion/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "pp/Conversion/Passes.h.inc"
} // namespace pp

#endif // PP_CONVERSION_PASSES_H
