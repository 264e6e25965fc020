//===- NNOps.cpp - Ops of the nn dialect ----------------------------------===//

#include "pp/Dialect/NN/IR/NNOps.h"

#define GET_OP_CLASSES
#include "pp/Dialect/NN/IR/NNOps.cpp.inc"
