//===- Passes.h - Layer functions to native code ----------------*- C++ -*-===//

#ifndef PP_CODEGEN_PASSES_H
#define PP_CODEGEN_PASSES_H

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassOptions.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace pp {

#define GEN_PASS_DECL
#include "pp/CodeGen/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "pp/CodeGen/Passes.h.inc"

/// Options of `pp-lower-layers`.
struct LowerLayersOptions
    : public mlir::PassPipelineOptions<LowerLayersOptions> {
  Option<std::string> cpu{*this, "cpu",
                          llvm::cl::desc("CPU to tune for; default: the host")};
  Option<std::string> features{
      *this, "features",
      llvm::cl::desc("features, as in +avx2,+fma; default: those of the host")};
  Option<bool> overlap{
      *this, "overlap",
      llvm::cl::desc("let collectives go on beside other work"),
      llvm::cl::init(true)};
};

/// Functions of loops over memrefs to LLVM functions on bare pointers.
void buildLoopsToLLVMPipeline(mlir::OpPassManager &manager);

/// Lowers a module of layer functions only: each `func.func` on tensors becomes
/// an `llvm.func` on bare pointers to its tensor arguments, its results that do
/// not accumulate, and a workspace of `pp.workspace` bytes.
void buildLowerLayersPipeline(mlir::OpPassManager &manager,
                              const LowerLayersOptions &options);

/// The same for the layer functions of any module, as `pp-lower-layers` does.
void addLowerLayers(mlir::OpPassManager &manager,
                    const LowerLayersOptions &options);

/// Registers `pp-lower-layers`.
void registerCodeGenPipelines();

} // namespace pp

#endif // PP_CODEGEN_PASSES_H
