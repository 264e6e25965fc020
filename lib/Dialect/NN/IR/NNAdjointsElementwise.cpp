//===- NNAdjointsElementwise.cpp - Adjoints of elementwise ops -----------===//
//
// Operands that broadcast get the sum of their cotangent over the dimensions
// along which they were repeated.
//
//===----------------------------------------------------------------------===//

#include "NNAdjoints.h"

using namespace mlir;
using namespace pp::nn;

LogicalResult AddOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                                  ArrayRef<bool> needed,
                                  SmallVectorImpl<Value> &operandCotangents) {
  Value dy = cotangents[0];
  if (needed[0])
    operandCotangents[0] =
        adjoint::sumToType(builder, getLoc(), dy, getLhs().getType());
  if (needed[1])
    operandCotangents[1] =
        adjoint::sumToType(builder, getLoc(), dy, getRhs().getType());
  return success();
}

LogicalResult SubOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                                  ArrayRef<bool> needed,
                                  SmallVectorImpl<Value> &operandCotangents) {
  Value dy = cotangents[0];
  if (needed[0])
    operandCotangents[0] =
        adjoint::sumToType(builder, getLoc(), dy, getLhs().getType());
  if (needed[1]) {
    Value sum = adjoint::sumToType(builder, getLoc(), dy, getRhs().getType());
    Value minusOne =
        adjoint::splat(builder, getLoc(), getRhs().getType(), -1.0);
    operandCotangents[1] = MulOp::create(builder, getLoc(), sum, minusOne);
  }
  return success();
}

LogicalResult MulOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                                  ArrayRef<bool> needed,
                                  SmallVectorImpl<Value> &operandCotangents) {
  Value dy = cotangents[0];
  if (needed[0])
    operandCotangents[0] = adjoint::sumToType(
        builder, getLoc(), MulOp::create(builder, getLoc(), dy, getRhs()),
        getLhs().getType());
  if (needed[1])
    operandCotangents[1] = adjoint::sumToType(
        builder, getLoc(), MulOp::create(builder, getLoc(), dy, getLhs()),
        getRhs().getType());
  return success();
}

/// d(a / b) = da / b - (a / b) db / b
LogicalResult DivOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                                  ArrayRef<bool> needed,
                                  SmallVectorImpl<Value> &operandCotangents) {
  Value scaled = DivOp::create(builder, getLoc(), cotangents[0], getRhs());
  if (needed[0])
    operandCotangents[0] =
        adjoint::sumToType(builder, getLoc(), scaled, getLhs().getType());
  if (needed[1]) {
    Value product = MulOp::create(builder, getLoc(), scaled, getResult());
    Value sum =
        adjoint::sumToType(builder, getLoc(), product, getRhs().getType());
    Value minusOne =
        adjoint::splat(builder, getLoc(), getRhs().getType(), -1.0);
    operandCotangents[1] = MulOp::create(builder, getLoc(), sum, minusOne);
  }
  return success();
}

LogicalResult GeluOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                                   ArrayRef<bool> needed,
                                   SmallVectorImpl<Value> &operandCotangents) {
  operandCotangents[0] = GeluGradOp::create(
      builder, getLoc(), getInput(), cotangents[0], getApproximateAttr());
  return success();
}

LogicalResult SiluOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                                   ArrayRef<bool> needed,
                                   SmallVectorImpl<Value> &operandCotangents) {
  operandCotangents[0] =
      SiluGradOp::create(builder, getLoc(), getInput(), cotangents[0]);
  return success();
}

LogicalResult ReluOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                                   ArrayRef<bool> needed,
                                   SmallVectorImpl<Value> &operandCotangents) {
  operandCotangents[0] =
      ReluGradOp::create(builder, getLoc(), getInput(), cotangents[0]);
  return success();
}

/// Between floats the cotangent is converted back; integers have none.
LogicalResult CastOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                                   ArrayRef<bool> needed,
                                   SmallVectorImpl<Value> &operandCotangents) {
  if (needed[0])
    operandCotangents[0] =
        CastOp::create(builder, getLoc(), getInput().getType(), cotangents[0]);
  return success();
}

/// The elements that were dropped get nothing, the others were scaled.
LogicalResult
DropoutOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                        ArrayRef<bool> needed,
                        SmallVectorImpl<Value> &operandCotangents) {
  operandCotangents[0] =
      DropoutOp::create(builder, getLoc(), cotangents[0], getKey(), getPAttr(),
                        getSiteAttr(), getAxesAttr(), getDimAttr());
  return success();
}
