//===- PPOps.td - Ops of the pp dialect ------------------------*- tablegen -*-===//
//
// One file a level; each level is complete in itself.
//
//===----------------------------------------------------------------------===//

#ifndef PP_DIALECT_PP_IR_PPOPS_TD
#define PP_DIALECT_PP_IR_PPOPS_TD

include "pp/Dialect/PP/IR/PPMeshOps.td"
include "pp/Dialect/PP/IR/PPModelOps.td"
include "pp/Dialect/PP/IR/PPPlanOps.td"
include "pp/Dialect/PP/IR/PPRankOps.td"

#endif // PP_DIALECT_PP_IR_PPOPS_TD
