//===- NNOps.td - Ops of the nn dialect ------------------------*- tablegen -*-===//

#ifndef PP_DIALECT_NN_IR_NNOPS_TD
#define PP_DIALECT_NN_IR_NNOPS_TD

include "pp/Dialect/NN/IR/NNAttentionOps.td"
include "pp/Dialect/NN/IR/NNAttributes.td"
include "pp/Dialect/NN/IR/NNElementwiseOps.td"
include "pp/Dialect/NN/IR/NNLinearAlgebraOps.td"
include "pp/Dialect/NN/IR/NNLossOps.td"
include "pp/Dialect/NN/IR/NNNormalizationOps.td"
include "pp/Dialect/NN/IR/NNRandomOps.td"
include "pp/Dialect/NN/IR/NNReductionOps.td"
include "pp/Dialect/NN/IR/NNShapeOps.td"

#endif // PP_DIALECT_NN_IR_NNOPS_TD
