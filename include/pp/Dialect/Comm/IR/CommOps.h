//===- CommOps.h - Ops of the comm dialect ----------------------*- C++ -*-===//

#ifndef PP_DIALECT_COMM_IR_COMMOPS_H
#define PP_DIALECT_COMM_IR_COMMOPS_H

#include "pp/Dialect/Comm/IR/CollectiveOpInterface.h"
#include "pp/Dialect/Comm/IR/CommAttributes.h"
#include "pp/Dialect/Comm/IR/CommDialect.h"
#include "pp/Dialect/Comm/IR/MeshOpInterface.h"
#include "pp/Interfaces/CostOpInterface.h"
#include "pp/Interfaces/DifferentiableOpInterface.h"
#include "pp/Interfaces/ShardableOpInterface.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "pp/Dialect/Comm/IR/CommEnums.h.inc"

#define GET_OP_CLASSES
#include "pp/Dialect/Comm/IR/CommOps.h.inc"

#endif // PP_DIALECT_COMM_IR_COMMOPS_H
