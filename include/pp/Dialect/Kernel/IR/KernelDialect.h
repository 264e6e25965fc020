//===- KernelDialect.h - The kernel dialect ---------------------*- C++ -*-===//

#ifndef PP_DIALECT_KERNEL_IR_KERNELDIALECT_H
#define PP_DIALECT_KERNEL_IR_KERNELDIALECT_H

#include "mlir/IR/Dialect.h"

#include "pp/Dialect/Kernel/IR/KernelDialect.h.inc"

namespace pp::kernel {
/// Bufferization of the ops of the dialect: operands in place.
void registerBufferizationModels(mlir::DialectRegistry &registry);
} // namespace pp::kernel

#endif // PP_DIALECT_KERNEL_IR_KERNELDIALECT_H
