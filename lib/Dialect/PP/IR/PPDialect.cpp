//===- PPDialect.cpp - The pp dialect ---------------------------------------===//

#include "pp/Dialect/PP/IR/PPDialect.h"

#include "pp/Dialect/PP/IR/PPOps.h"

#include "pp/Dialect/PP/IR/PPDialect.cpp.inc"

void pp::PPDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "pp/Dialect/PP/IR/PPOps.cpp.inc"
      >();
}
