//===- NNDialect.cpp - The nn dialect
//---------------------------------------===//

#include "pp/Dialect/NN/IR/NNDialect.h"

#include "pp/Dialect/NN/IR/NNOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include "pp/Dialect/NN/IR/NNDialect.cpp.inc"

void pp::nn::NNDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "pp/Dialect/NN/IR/NNOps.cpp.inc"
      >();
}
