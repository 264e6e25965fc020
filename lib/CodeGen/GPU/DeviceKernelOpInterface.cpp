//===- DeviceKernelOpInterface.cpp - Ops with kernels of our own ----------===//

#include "pp/CodeGen/GPU/DeviceKernelOpInterface.h"
#include "Kernels.h"

#include "pp/Dialect/Kernel/IR/KernelDialect.h"

#include "mlir/IR/DialectRegistry.h"

#include "pp/CodeGen/GPU/DeviceKernelOpInterface.cpp.inc"

void pp::device::registerDeviceKernels(mlir::DialectRegistry &registry) {
  registry.addExtension(
      +[](mlir::MLIRContext *context, kernel::KernelDialect *) {
        attachAttentionKernels(*context);
        attachScatterAddKernels(*context);
        attachSumOfSquaresKernels(*context);
      });
}
