//===- InitAll.cpp - Everything a tool registers --------------------------===//

#include "pp/InitAll.h"

#include "pp/CodeGen/GPU/DeviceKernelOpInterface.h"
#include "pp/CodeGen/GPU/Passes.h"
#include "pp/CodeGen/Passes.h"
#include "pp/Conversion/Passes.h"
#include "pp/Conversion/ProgramToLLVM/Passes.h"
#include "pp/Dialect/Comm/IR/CommDialect.h"
#include "pp/Dialect/Comm/Transforms/Passes.h"
#include "pp/Dialect/Kernel/IR/KernelDialect.h"
#include "pp/Dialect/NN/IR/NNDialect.h"
#include "pp/Dialect/NN/Transforms/Passes.h"
#include "pp/Dialect/NN/Transforms/UpstreamAdjoints.h"
#include "pp/Dialect/NN/Transforms/UpstreamSharding.h"
#include "pp/Dialect/PP/Annotate/Passes.h"
#include "pp/Dialect/PP/IR/PPDialect.h"
#include "pp/Dialect/PP/Memory/Passes.h"
#include "pp/Dialect/PP/Transforms/Passes.h"
#include "pp/Pipelines/Pipelines.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"

void pp::registerAllDialects(mlir::DialectRegistry &registry) {
  registry.insert<comm::CommDialect, kernel::KernelDialect, nn::NNDialect,
                  PPDialect>();
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  // Kernels become PTX within a pass.
  mlir::registerAllGPUToLLVMIRTranslations(registry);
  device::registerDeviceKernels(registry);
  nn::registerUpstreamAdjoints(registry);
  nn::registerUpstreamSharding(registry);
}

void pp::registerAllPasses() {
  mlir::registerAllPasses();
  comm::registerCommTransformsPasses();
  nn::registerNNTransformsPasses();
  registerPPConversionPasses();
  registerPPCodeGenPasses();
  registerPPCodeGenGPUPasses();
  registerCodeGenPipelines();
  registerCodeGenGPUPipelines();
  registerPPTransformsPasses();
  registerPPAnnotatePasses();
  registerPPMemoryPasses();
  registerPPProgramToLLVMPasses();
  registerPipelines();
}
