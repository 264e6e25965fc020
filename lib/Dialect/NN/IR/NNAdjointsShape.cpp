//===- NNAdjointsShape.cpp - Adjoints of ops that move elements ----------===//

#include "NNAdjoints.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace pp::nn;

LogicalResult
ReshapeOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                        ArrayRef<bool> needed,
                        SmallVectorImpl<Value> &operandCotangents) {
  operandCotangents[0] =
      ReshapeOp::create(builder, getLoc(), getInput().getType(), cotangents[0]);
  return success();
}

LogicalResult
TransposeOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                          ArrayRef<bool> needed,
                          SmallVectorImpl<Value> &operandCotangents) {
  operandCotangents[0] =
      TransposeOp::create(builder, getLoc(), cotangents[0],
                          invertPermutationVector(getPermutation()));
  return success();
}

LogicalResult
BroadcastOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                          ArrayRef<bool> needed,
                          SmallVectorImpl<Value> &operandCotangents) {
  operandCotangents[0] = adjoint::sumToType(builder, getLoc(), cotangents[0],
                                            getInput().getType());
  return success();
}

/// The elements that were not read get zero.
LogicalResult SliceOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                                    ArrayRef<bool> needed,
                                    SmallVectorImpl<Value> &operandCotangents) {
  SmallVector<int64_t> low(getOffsets()), high, interior;
  for (auto [dim, offset, size, stride] :
       llvm::zip_equal(getInput().getType().getShape(), getOffsets(),
                       getSizes(), getStrides())) {
    interior.push_back(size == 1 ? 0 : stride - 1);
    high.push_back(dim - offset - (size - 1) * stride - 1);
  }
  operandCotangents[0] =
      PadOp::create(builder, getLoc(), cotangents[0], low, high, interior);
  return success();
}

LogicalResult PadOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                                  ArrayRef<bool> needed,
                                  SmallVectorImpl<Value> &operandCotangents) {
  SmallVector<int64_t> strides;
  for (int64_t interior : getInterior())
    strides.push_back(interior + 1);
  operandCotangents[0] =
      SliceOp::create(builder, getLoc(), cotangents[0], getLow(),
                      getInput().getType().getShape(), strides);
  return success();
}

LogicalResult
ConcatenateOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                            ArrayRef<bool> needed,
                            SmallVectorImpl<Value> &operandCotangents) {
  // Not slices, which count positions of the whole: pieces in parts are cut
  // apart as they were joined.
  SmallVector<int64_t> sizes;
  for (Value input : getInputs())
    sizes.push_back(
        cast<RankedTensorType>(input.getType()).getDimSize(getAxis()));
  auto split = SplitOp::create(builder, getLoc(), getInputs().getTypes(),
                               cotangents[0], sizes, getAxis());
  for (auto [isNeeded, piece, cotangent] :
       llvm::zip_equal(needed, split.getPieces(), operandCotangents))
    if (isNeeded)
      cotangent = piece;
  return success();
}

/// A piece that nothing reads contributes zeros.
LogicalResult SplitOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                                    ArrayRef<bool> needed,
                                    SmallVectorImpl<Value> &operandCotangents) {
  SmallVector<Value> pieces;
  for (auto [piece, cotangent] : llvm::zip_equal(getPieces(), cotangents))
    pieces.push_back(
        cotangent
            ? cotangent
            : adjoint::splat(builder, getLoc(),
                             cast<RankedTensorType>(piece.getType()), 0.0));
  operandCotangents[0] =
      ConcatenateOp::create(builder, getLoc(), pieces, getAxisAttr());
  return success();
}
