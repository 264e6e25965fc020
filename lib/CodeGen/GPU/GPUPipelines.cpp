//===- GPUPipelines.cpp - From layer functions to code for GPUs -----------===//
//
// The order of the passes, and why. Up to memrefs it is that of the host's
// pipeline, but for what would make an iteration wait for the one before.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/GPU/Passes.h"
#include "pp/CodeGen/GPU/Ptxas.h"
#include "pp/CodeGen/Passes.h"
#include "pp/Conversion/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

static void onFunctions(OpPassManager &manager, std::unique_ptr<Pass> pass) {
  manager.addNestedPass<func::FuncOp>(std::move(pass));
}

/// Tensors to ops on memrefs.
static void buildTensorPipeline(OpPassManager &manager,
                                const pp::LowerLayersGPUOptions &options) {
  // While biases and activations are ops: as loops, they fuse with others.
  if (options.epilogues != pp::Epilogues::None) {
    pp::FuseEpiloguesOptions epilogues;
    epilogues.gelu = options.epilogues == pp::Epilogues::All;
    onFunctions(manager, pp::createFuseEpilogues(epilogues));
  }
  pp::ConvertNNToLinalgOptions conversion;
  conversion.parallel = true;
  onFunctions(manager, pp::createConvertNNToLinalg(conversion));
  onFunctions(manager, createCanonicalizerPass());
  pp::FuseElementwiseOptions elementwise;
  elementwise.conversions = true;
  onFunctions(manager, pp::createFuseElementwise(elementwise));
  onFunctions(manager, createCanonicalizerPass());
  // Equal views become one: then sums show what they share.
  onFunctions(manager, createCSEPass());
  onFunctions(manager, pp::createFuseSums());
  pp::FuseRowsOptions rows;
  rows.parallel = true;
  onFunctions(manager, pp::createFuseRows(rows));
  onFunctions(manager, createCanonicalizerPass());
  if (options.overlap)
    onFunctions(manager, pp::createDelayUses());
  onFunctions(manager, pp::createBindDestinations());
  manager.addPass(pp::createBufferize());
  manager.addPass(pp::createStoreWholeBytes());
  onFunctions(manager, createCSEPass());
  onFunctions(manager, createCanonicalizerPass());
  onFunctions(manager, pp::createPlacePieces());
}

/// Ops on memrefs to kernels and their launches.
static void buildKernelPipeline(OpPassManager &manager,
                                const pp::LowerLayersGPUOptions &options) {
  // Before temporaries are placed: those of a row never leave the chip.
  manager.addPass(pp::createGPUOutlineKernels());
  // As if they came from layers: what follows makes code of all kernels.
  manager.addPass(pp::createGPUAddRuntimeKernels());
  pp::GPUSizeWorkspacesOptions workspaces;
  workspaces.chip = options.chip;
  workspaces.anyOrder = options.deterministic == pp::Determinism::AttentionOff;
  workspaces.cudnn = options.cudnn;
  onFunctions(manager, pp::createGPUSizeWorkspaces(workspaces));
  // What is under way keeps its buffers.
  if (options.overlap)
    onFunctions(manager, pp::createOverlapCollectives());
  onFunctions(manager, pp::createPlaceTemporaries());
  // What the device does better itself, before it is expanded.
  manager.addPass(pp::createGPUUseInstructions());
  // Other arithmetic as on the host, and so its results.
  manager.addPass(pp::createExpandBFloat16());
  manager.addPass(pp::createGPUExpandMath());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  // What is checked here is what both the device and its emulation get.
  manager.addPass(pp::createVerifyWholeBytes());
  if (options.emulate) {
    manager.addPass(pp::createGPUEmulateKernels());
    // The host has no such instructions.
    manager.addPass(pp::createExpandBFloat16());
    manager.addPass(pp::createGPUExpandMath());
  }
  manager.addPass(pp::createGPULowerCalls());
}

/// Kernels to PTX.
static void buildCodePipeline(OpPassManager &manager,
                              const pp::LowerLayersGPUOptions &options) {
  OpPassManager &kernels = manager.nest<gpu::GPUModuleOp>();
  kernels.addPass(createSCFToControlFlowPass());
  ConvertGpuOpsToNVVMOpsOptions nvvm;
  nvvm.useBarePtrCallConv = true;
  // Buffers have fewer than 2^31 elements; addresses are computed in 64 bits.
  nvvm.indexBitwidth = 32;
  kernels.addPass(createConvertGpuOpsToNVVMOps(nvvm));
  kernels.addPass(pp::createGPUResolveMath());
  kernels.addPass(createCanonicalizerPass());
  kernels.addPass(createCSEPass());
  kernels.addPass(createReconcileUnrealizedCastsPass());
  GpuNVVMAttachTargetOptions target;
  target.chip = options.chip;
  target.optLevel = 3;
  manager.addPass(createGpuNVVMAttachTarget(target));
  GpuModuleToBinaryPassOptions binary;
  binary.compilationTarget = "isa";
  manager.addPass(createGpuModuleToBinaryPass(binary));
}

/// The functions of the host to LLVM.
static void buildHostPipeline(OpPassManager &manager,
                              const pp::LowerLayersGPUOptions &options) {
  manager.addPass(createConvertVectorToLLVMPass());
  pp::buildLoopsToLLVMPipeline(manager);
  pp::GPUEmbedCodeOptions code;
  code.chip = options.chip;
  code.ptxas = options.cubin ? pp::findPtxas() : "";
  manager.addPass(pp::createGPUEmbedCode(code));
  pp::AttachHostTargetOptions target;
  target.cpu = options.cpu;
  target.features = options.features;
  manager.addPass(pp::createAttachHostTarget(target));
}

void pp::buildLowerLayersGPUPipeline(OpPassManager &manager,
                                     const LowerLayersGPUOptions &options) {
  buildTensorPipeline(manager, options);
  buildKernelPipeline(manager, options);
  // The kernels first: passes on the module around would lower them, too.
  buildCodePipeline(manager, options);
  buildHostPipeline(manager, options);
}

void pp::addLowerLayersGPU(OpPassManager &manager,
                           const LowerLayersGPUOptions &options) {
  manager.addPass(createReadResources());
  manager.addPass(createIsolateLayers());
  buildLowerLayersGPUPipeline(manager.nest<ModuleOp>(), options);
  manager.addPass(createPublishWorkspaces());
}

void pp::registerCodeGenGPUPipelines() {
  PassPipelineRegistration<LowerLayersGPUOptions>(
      "pp-lower-layers-gpu",
      "Lowers layer functions to LLVM functions that enqueue kernels, in a "
      "nested module @layers with the kernels' code",
      addLowerLayersGPU);
  PassPipelineRegistration<LowerLayersGPUOptions>(
      "pp-layers-to-gpu-kernels",
      "The first half of pp-lower-layers-gpu, to gpu.func and launches, on the "
      "functions of a module",
      [](OpPassManager &manager, const LowerLayersGPUOptions &options) {
        buildTensorPipeline(manager, options);
        manager.addPass(createGPUOutlineKernels());
        manager.addPass(createCanonicalizerPass());
        manager.addPass(createCSEPass());
      });
}
