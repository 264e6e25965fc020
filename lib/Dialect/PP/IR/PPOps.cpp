//===- PPOps.cpp - Ops of the pp dialect ----------------------------------===//

#include "pp/Dialect/PP/IR/PPOps.h"

#define GET_OP_CLASSES
#include "pp/Dialect/PP/IR/PPOps.cpp.inc"
