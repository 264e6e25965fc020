//===- KernelDialect.h - The kernel dialect ---------------------*- C++ -*-===//

#ifndef PP_DIALECT_KERNEL_IR_KERNELDIALECT_H
#define PP_DIALECT_KERNEL_IR_KERNELDIALECT_H

#include "mlir/IR/Dialect.h"

#include "pp/Dialect/Kernel/IR/KernelDialect.h.inc"

#endif // PP_DIALECT_KERNEL_IR_KERNELDIALECT_H
