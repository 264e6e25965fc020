//===- DeviceKernelOpInterface.h - Ops with kernels of our own --*- C++ -*-===//

#ifndef PP_CODEGEN_GPU_DEVICEKERNELOPINTERFACE_H
#define PP_CODEGEN_GPU_DEVICEKERNELOPINTERFACE_H

#include "mlir/IR/OpDefinition.h"

namespace pp::device {
class KernelModule;

/// Attaches the interface to the ops of the kernel dialect that have it.
void registerDeviceKernels(mlir::DialectRegistry &registry);
} // namespace pp::device

#include "pp/CodeGen/GPU/DeviceKernelOpInterface.h.inc"

#endif // PP_CODEGEN_GPU_DEVICEKERNELOPINTERFACE_H
