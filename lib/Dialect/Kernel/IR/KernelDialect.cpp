//===- KernelDialect.cpp - The kernel dialect -----------------------------===//

#include "pp/Dialect/Kernel/IR/KernelDialect.h"
#include "pp/Dialect/Kernel/IR/KernelOps.h"

#include "pp/Dialect/Kernel/IR/KernelDialect.cpp.inc"

void pp::kernel::KernelDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "pp/Dialect/Kernel/IR/KernelOps.cpp.inc"
      >();
}
