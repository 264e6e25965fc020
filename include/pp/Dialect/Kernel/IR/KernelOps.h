//===- KernelOps.h - Calls of library kernels -------------------*- C++ -*-===//

#ifndef PP_DIALECT_KERNEL_IR_KERNELOPS_H
#define PP_DIALECT_KERNEL_IR_KERNELOPS_H

#include "pp/Dialect/Kernel/IR/KernelDialect.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "pp/Dialect/Kernel/IR/KernelEnums.h.inc"

#define GET_OP_CLASSES
#include "pp/Dialect/Kernel/IR/KernelOps.h.inc"

#endif // PP_DIALECT_KERNEL_IR_KERNELOPS_H
