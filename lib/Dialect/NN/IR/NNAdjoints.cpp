//===- NNAdjoints.cpp - Helpers for adjoints of nn ops -------------------===//

#include "NNAdjoints.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace pp::nn;

Value adjoint::sumToType(OpBuilder &builder, Location loc, Value value,
                         RankedTensorType type) {
  auto from = cast<RankedTensorType>(value.getType());
  if (from == type)
    return value;
  int64_t missing = from.getRank() - type.getRank();
  SmallVector<int64_t> axes;
  for (int64_t axis = 0; axis < from.getRank(); ++axis)
    if (axis < missing ||
        (type.getDimSize(axis - missing) == 1 && from.getDimSize(axis) != 1))
      axes.push_back(axis);
  // Dimensions of size 1 that stay make the result fit without a reshape,
  // which would hide the reduction from the accumulator that it could add to.
  if (!axes.empty())
    value = ReduceSumOp::create(builder, loc, value, axes,
                                /*keepdims=*/missing == 0);
  if (value.getType() != type)
    value = ReshapeOp::create(builder, loc, type, value);
  return value;
}

Value adjoint::splat(OpBuilder &builder, Location loc, RankedTensorType type,
                     double number) {
  Attribute element = builder.getFloatAttr(type.getElementType(), number);
  return arith::ConstantOp::create(builder, loc,
                                   DenseElementsAttr::get(type, element));
}

Value adjoint::toElementOf(OpBuilder &builder, Location loc, Value value,
                           RankedTensorType type) {
  auto from = cast<RankedTensorType>(value.getType());
  if (from.getElementType() == type.getElementType())
    return value;
  return CastOp::create(builder, loc, from.clone(type.getElementType()), value);
}

Value adjoint::toRows(OpBuilder &builder, Location loc, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getRank() == 2)
    return value;
  int64_t columns = type.getShape().back();
  auto rows = RankedTensorType::get({type.getNumElements() / columns, columns},
                                    type.getElementType());
  return ReshapeOp::create(builder, loc, rows, value);
}

Value adjoint::sumOfRows(OpBuilder &builder, Location loc, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getRank() == 1)
    return value;
  return ReduceSumOp::create(
      builder, loc, value,
      llvm::to_vector(llvm::seq<int64_t>(0, type.getRank() - 1)));
}
