//===- NNOps.h - Ops of the nn dialect --------------------------*- C++ -*-===//

#ifndef PP_DIALECT_NN_IR_NNOPS_H
#define PP_DIALECT_NN_IR_NNOPS_H

#include "pp/Dialect/NN/IR/NNAttributes.h"
#include "pp/Dialect/NN/IR/NNDialect.h"
#include "pp/Dialect/NN/IR/NNTraits.h"
#include "pp/Interfaces/AccumulatingOpInterface.h"
#include "pp/Interfaces/CostOpInterface.h"
#include "pp/Interfaces/DifferentiableOpInterface.h"
#include "pp/Interfaces/ElementwiseOpInterface.h"
#include "pp/Interfaces/ShardableOpInterface.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#define GET_OP_CLASSES
#include "pp/Dialect/NN/IR/NNOps.h.inc"

#endif // PP_DIALECT_NN_IR_NNOPS_H
