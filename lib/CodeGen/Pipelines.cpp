//===- Pipelines.cpp - From layer functions to LLVM -----------------------===//
//
// The order of the passes, and why.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/Passes.h"
#include "pp/Conversion/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

static void onFunctions(OpPassManager &manager, std::unique_ptr<Pass> pass) {
  manager.addNestedPass<func::FuncOp>(std::move(pass));
}

/// Tensors to loops over memrefs.
static void buildTensorPipeline(OpPassManager &manager,
                                const pp::LowerLayersOptions &options) {
  onFunctions(manager, pp::createConvertNNToLinalg());
  // Reshapes that the conversion put around every op meet and cancel: only then
  // do producers stand right before their consumers.
  onFunctions(manager, createCanonicalizerPass());
  onFunctions(manager, pp::createFuseElementwise());
  onFunctions(manager, createCanonicalizerPass());
  // What elementwise fusion left are sums and what is made of them: their loops
  // meet by rows.
  onFunctions(manager, pp::createFuseRows());
  onFunctions(manager, createCanonicalizerPass());
  if (options.overlap)
    onFunctions(manager, pp::createDelayUses());
  // After all fusion: destinations are fixed for the ops that are left.
  onFunctions(manager, pp::createBindDestinations());
  manager.addPass(pp::createBufferize());
  // Before anything computes an address or chooses how many elements a vector
  // has.
  manager.addPass(pp::createStoreWholeBytes());
  // Equal views become one; then casts and views fold, and so do copies of a
  // buffer onto itself.
  onFunctions(manager, createCSEPass());
  onFunctions(manager, createCanonicalizerPass());
  onFunctions(manager, pp::createPlacePieces());
  onFunctions(manager, createConvertLinalgToLoopsPass());
}

void pp::buildLoopsToLLVMPipeline(OpPassManager &manager) {
  manager.addPass(memref::createExpandStridedMetadataPass());
  manager.addPass(createLowerAffinePass());
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(createConvertMathToLLVMPass());
  manager.addPass(createConvertMathToLibmPass());
  manager.addPass(createArithToLLVMConversionPass());
  manager.addPass(createConvertIndexToLLVMPass());
  manager.addPass(createFinalizeMemRefToLLVMConversionPass());
  ConvertFuncToLLVMPassOptions functions;
  functions.useBarePtrCallConv = true;
  manager.addPass(createConvertFuncToLLVMPass(functions));
  manager.addPass(createConvertControlFlowToLLVMPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
  manager.addPass(pp::createCarryBFloat16());
  // Descriptors of memrefs fold away: less for LLVM to read.
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

/// Loops over memrefs to LLVM.
static void buildLLVMPipeline(OpPassManager &manager,
                              const pp::LowerLayersOptions &options) {
  // Before outlining: a kernel takes each temporary as a buffer of its own.
  if (options.overlap)
    onFunctions(manager, pp::createOverlapCollectives());
  onFunctions(manager, pp::createPlaceTemporaries());
  manager.addPass(pp::createOutlineKernels());
  // On the kernels, each once. Functions of bf16 become functions of f32 first.
  manager.addPass(pp::createExpandBFloat16());
  manager.addPass(pp::createApproximateMath());
  manager.addPass(pp::createVerifyWholeBytes());
  manager.addPass(pp::createConvertKernelToLLVM());
  pp::buildLoopsToLLVMPipeline(manager);
  pp::AttachHostTargetOptions target;
  target.cpu = options.cpu;
  target.features = options.features;
  manager.addPass(pp::createAttachHostTarget(target));
}

void pp::buildLowerLayersPipeline(OpPassManager &manager,
                                  const LowerLayersOptions &options) {
  buildTensorPipeline(manager, options);
  buildLLVMPipeline(manager, options);
}

void pp::addLowerLayers(OpPassManager &manager,
                        const LowerLayersOptions &options) {
  // Those of stages, too.
  manager.addPass(createReadResources());
  manager.addPass(createIsolateLayers());
  buildLowerLayersPipeline(manager.nest<ModuleOp>(), options);
  // Stage functions are planned next, from the sizes on declarations.
  manager.addPass(createPublishWorkspaces());
}

void pp::registerCodeGenPipelines() {
  PassPipelineRegistration<LowerLayersOptions>(
      "pp-lower-layers",
      "Lowers layer functions to LLVM functions in a nested module @layers",
      addLowerLayers);
}
