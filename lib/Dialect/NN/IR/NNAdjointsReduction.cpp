//===- NNAdjointsReduction.cpp - Adjoints of reductions and softmax ------===//
//
// The adjoint of a sum repeats the cotangent. Elements that tie for a maximum
// share its cotangent equally, as in PyTorch's amax.
//
//===----------------------------------------------------------------------===//

#include "NNAdjoints.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace pp::nn;

/// `value`, a reduction of a tensor of type `type` over `axes`, repeated to
/// that type.
static Value repeat(OpBuilder &builder, Location loc, Value value,
                    RankedTensorType type, ArrayRef<int64_t> axes) {
  SmallVector<int64_t> shape(type.getShape());
  for (int64_t axis : axes)
    shape[axis] = 1;
  auto kept = RankedTensorType::get(shape, type.getElementType());
  if (value.getType() != kept)
    value = ReshapeOp::create(builder, loc, kept, value);
  if (kept == type)
    return value;
  return BroadcastOp::create(builder, loc, type, value);
}

LogicalResult
ReduceSumOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                          ArrayRef<bool> needed,
                          SmallVectorImpl<Value> &operandCotangents) {
  if (needed[0])
    operandCotangents[0] =
        repeat(builder, getLoc(),
               adjoint::toElementOf(builder, getLoc(), cotangents[0],
                                    getInput().getType()),
               getInput().getType(), getAxes());
  if (getInit())
    operandCotangents[1] = cotangents[0];
  return success();
}

LogicalResult
ReduceMeanOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                           ArrayRef<bool> needed,
                           SmallVectorImpl<Value> &operandCotangents) {
  RankedTensorType type = getInput().getType();
  double count = 1;
  for (int64_t axis : getAxes())
    count *= type.getDimSize(axis);
  Value factor =
      adjoint::splat(builder, getLoc(), getResult().getType(), 1.0 / count);
  Value scaled = MulOp::create(builder, getLoc(), cotangents[0], factor);
  operandCotangents[0] = repeat(builder, getLoc(), scaled, type, getAxes());
  return success();
}

LogicalResult
ReduceMaxOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                          ArrayRef<bool> needed,
                          SmallVectorImpl<Value> &operandCotangents) {
  Location loc = getLoc();
  RankedTensorType type = getInput().getType();
  Value maximum = repeat(builder, loc, getResult(), type, getAxes());
  Value isMaximum = arith::CmpFOp::create(
      builder, loc, arith::CmpFPredicate::OEQ, getInput(), maximum);
  Value zeros = adjoint::splat(builder, loc, type, 0.0);
  Value ones = adjoint::splat(builder, loc, type, 1.0);
  Value mask = arith::SelectOp::create(builder, loc, isMaximum, ones, zeros);
  Value count =
      ReduceSumOp::create(builder, loc, mask, getAxes(), getKeepdims());
  Value share = DivOp::create(builder, loc, cotangents[0], count);
  operandCotangents[0] = arith::SelectOp::create(
      builder, loc, isMaximum, repeat(builder, loc, share, type, getAxes()),
      zeros);
  return success();
}

/// dx = y (dy - sum(y dy))
LogicalResult
SoftmaxOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                        ArrayRef<bool> needed,
                        SmallVectorImpl<Value> &operandCotangents) {
  Value y = getResult(), dy = cotangents[0];
  Value product = MulOp::create(builder, getLoc(), y, dy);
  Value sum = ReduceSumOp::create(builder, getLoc(), product,
                                  {int64_t(getAxis())}, /*keepdims=*/true);
  Value centred = SubOp::create(builder, getLoc(), dy, sum);
  operandCotangents[0] = MulOp::create(builder, getLoc(), y, centred);
  return success();
}
