//===- NNDialect.cpp - The nn dialect ---------------------------------------===//

#include "pp/Dialect/NN/IR/NNDialect.h"

#include "pp/Dialect/NN/IR/NNOps.h"

#include "pp/Dialect/NN/IR/NNDialect.cpp.inc"

void pp::nn::NNDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "pp/Dialect/NN/IR/NNOps.cpp.inc"
      >();
}
