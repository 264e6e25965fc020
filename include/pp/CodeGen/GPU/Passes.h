//===- Passes.h - Layer functions to code for GPUs --------------*- C++ -*-===//

#ifndef PP_CODEGEN_GPU_PASSES_H
#define PP_CODEGEN_GPU_PASSES_H

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassOptions.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace pp {

#define GEN_PASS_DECL
#include "pp/CodeGen/GPU/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "pp/CodeGen/GPU/Passes.h.inc"

/// What is fused into products.
enum class Epilogues { None, Bias, All };

/// What has the same bits in each run: all, or all but the adjoint of
/// attention.
enum class Determinism { All, AttentionOff };

/// Options of `pp-lower-layers-gpu`.
struct LowerLayersGPUOptions
    : public mlir::PassPipelineOptions<LowerLayersGPUOptions> {
  Option<std::string> chip{
      *this, "chip", llvm::cl::desc("chip that kernels are for, as sm_80"),
      llvm::cl::init("sm_90a")};
  Option<bool> cubin{*this, "cubin",
                     llvm::cl::desc("code of the chip beside the PTX, where "
                                    "ptxas is found"),
                     llvm::cl::init(false)};
  Option<bool> emulate{*this, "emulate",
                       llvm::cl::desc("kernels for the host, too, for an "
                                      "emulated device"),
                       llvm::cl::init(false)};
  Option<Epilogues> epilogues{
      *this, "epilogues", llvm::cl::desc("fused into products"),
      llvm::cl::init(Epilogues::All),
      llvm::cl::values(
          clEnumValN(Epilogues::All, "all", "what can be"),
          clEnumValN(Epilogues::Bias, "bias", "biases and their gradients"),
          clEnumValN(Epilogues::None, "none", "nothing"))};
  Option<Determinism> deterministic{
      *this, "deterministic", llvm::cl::desc("the same bits in each run"),
      llvm::cl::init(Determinism::All),
      llvm::cl::values(clEnumValN(Determinism::All, "all", "of all results"),
                       clEnumValN(Determinism::AttentionOff, "attention-off",
                                  "but of the adjoint of attention"))};
  Option<bool> overlap{
      *this, "overlap",
      llvm::cl::desc("let collectives go on beside other work"),
      llvm::cl::init(true)};
  Option<int64_t> cudnn{
      *this, "cudnn",
      llvm::cl::desc("the oldest version of cuDNN that workspaces are planned "
                     "for, 91900 for 9.19.0"),
      llvm::cl::init(91900)};
  Option<std::string> cpu{*this, "cpu",
                          llvm::cl::desc("CPU to tune for; default: the host")};
  Option<std::string> features{
      *this, "features",
      llvm::cl::desc("features, as in +avx2,+fma; default: those of the host")};
};

/// Lowers a module of layer functions only, to the functions that
/// buildLowerLayersPipeline() makes, on addresses of a device: they enqueue.
/// Beside them stands pprt_gpu_program_code (pprt_gpu.h).
void buildLowerLayersGPUPipeline(mlir::OpPassManager &manager,
                                 const LowerLayersGPUOptions &options);

/// The same for the layer functions of any module, as `pp-lower-layers-gpu`
/// does.
void addLowerLayersGPU(mlir::OpPassManager &manager,
                       const LowerLayersGPUOptions &options);

/// Registers `pp-lower-layers-gpu` and `pp-layers-to-gpu-kernels`.
void registerCodeGenGPUPipelines();

} // namespace pp

#endif // PP_CODEGEN_GPU_PASSES_H
