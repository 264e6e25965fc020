//===- CommAdjoints.cpp - Adjoints of collectives -------------------------===//
//
// The adjoint of a step between two distributions is the step back between
// those of the cotangents, which pair R with P.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/Comm/IR/CommOps.h"

using namespace mlir;
using namespace pp::comm;

LogicalResult
AllReduceOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                          ArrayRef<bool> needed,
                          SmallVectorImpl<Value> &operandCotangents) {
  if (getReduction() == Reduction::Max)
    return emitOpError("max has no derivative, but a gradient must pass "
                       "through it: where the maximum cancels out, as in a "
                       "softmax, put comm.detach behind it");
  operandCotangents[0] =
      VaryOp::create(builder, getLoc(), cotangents[0], getAxes());
  return success();
}

LogicalResult VaryOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                                   ArrayRef<bool> needed,
                                   SmallVectorImpl<Value> &operandCotangents) {
  operandCotangents[0] =
      AllReduceOp::create(builder, getLoc(), cotangents[0].getType(),
                          Reduction::Sum, cotangents[0], getAxes());
  return success();
}

LogicalResult
AllGatherOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                          ArrayRef<bool> needed,
                          SmallVectorImpl<Value> &operandCotangents) {
  if (getInvariant())
    operandCotangents[0] =
        SliceOp::create(builder, getLoc(), getInput().getType(), cotangents[0],
                        getAxes(), getDim());
  else
    operandCotangents[0] =
        ReduceScatterOp::create(builder, getLoc(), getInput().getType(),
                                cotangents[0], getAxes(), getDim());
  return success();
}

LogicalResult
ReduceScatterOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                              ArrayRef<bool> needed,
                              SmallVectorImpl<Value> &operandCotangents) {
  operandCotangents[0] =
      AllGatherOp::create(builder, getLoc(), getInput().getType(),
                          cotangents[0], getAxes(), getDim());
  return success();
}

LogicalResult SliceOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                                    ArrayRef<bool> needed,
                                    SmallVectorImpl<Value> &operandCotangents) {
  operandCotangents[0] = AllGatherOp::create(
      builder, getLoc(), getInput().getType(), cotangents[0], getAxes(),
      getDim(), /*invariant=*/true);
  return success();
}

LogicalResult
AllToAllOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                         ArrayRef<bool> needed,
                         SmallVectorImpl<Value> &operandCotangents) {
  operandCotangents[0] =
      AllToAllOp::create(builder, getLoc(), getInput().getType(), cotangents[0],
                         getAxes(), getConcat(), getSplit());
  return success();
}

LogicalResult
PermuteOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                        ArrayRef<bool> needed,
                        SmallVectorImpl<Value> &operandCotangents) {
  operandCotangents[0] =
      PermuteOp::create(builder, getLoc(), cotangents[0], getAxes(),
                        -static_cast<int64_t>(getBy()));
  return success();
}

/// Zero: nothing goes further.
LogicalResult DetachOp::buildAdjoint(OpBuilder &, ValueRange, ArrayRef<bool>,
                                     SmallVectorImpl<Value> &) {
  return success();
}
