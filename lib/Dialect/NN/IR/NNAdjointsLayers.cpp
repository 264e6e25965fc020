//===- NNAdjointsLayers.cpp - Adjoints of products, norms, attention -----===//

#include "NNAdjoints.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace pp::nn;

//===----------------------------------------------------------------------===//
// Products and tables
//===----------------------------------------------------------------------===//

/// With y = x w: dx = dy w', dw = x' dy over all rows of x.
LogicalResult
LinearOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                       ArrayRef<bool> needed,
                       SmallVectorImpl<Value> &operandCotangents) {
  Location loc = getLoc();
  Value dy = cotangents[0];
  if (needed[0])
    operandCotangents[0] = LinearOp::create(builder, loc, dy, getWeight(),
                                            Value(), !getTransposed());
  if (needed[1]) {
    Value x = adjoint::toRows(builder, loc, getInput());
    Value rows = adjoint::toRows(builder, loc, dy);
    operandCotangents[1] =
        getTransposed()
            ? MatmulOp::create(builder, loc, rows, x, /*transposeA=*/true)
            : MatmulOp::create(builder, loc, x, rows, /*transposeA=*/true);
  }
  if (getBias() && needed[2])
    operandCotangents[2] = adjoint::sumOfRows(builder, loc, dy);
  return success();
}

LogicalResult
MatmulOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                       ArrayRef<bool> needed,
                       SmallVectorImpl<Value> &operandCotangents) {
  Location loc = getLoc();
  Value a = getLhs(), b = getRhs(), dy = cotangents[0];
  bool ta = getTransposeA(), tb = getTransposeB();
  if (getInit())
    operandCotangents[2] = dy;
  dy = adjoint::toElementOf(builder, loc, dy, getLhs().getType());
  // da = dy b', or for a stored transposed da' = b dy'.
  if (needed[0])
    operandCotangents[0] =
        ta ? MatmulOp::create(builder, loc, b, dy, tb, true)
           : MatmulOp::create(builder, loc, dy, b, false, !tb);
  // db = a' dy, or for b stored transposed db' = dy' a.
  if (needed[1])
    operandCotangents[1] =
        tb ? MatmulOp::create(builder, loc, dy, a, true, ta)
           : MatmulOp::create(builder, loc, a, dy, !ta, false);
  return success();
}

LogicalResult
EmbeddingOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                          ArrayRef<bool> needed,
                          SmallVectorImpl<Value> &operandCotangents) {
  operandCotangents[1] = EmbeddingGradOp::create(
      builder, getLoc(), getTable().getType(), getIds(), cotangents[0], Value(),
      getNumbers(), getCountAttr());
  return success();
}

//===----------------------------------------------------------------------===//
// Norms
//===----------------------------------------------------------------------===//

/// The statistics of a norm's rows where both adjoints are needed: the one of
/// the input, which reads the rows anyway, computes them for the one of the
/// scale.
template <typename StatisticsOp, typename NormOp>
static SmallVector<Value> statisticsOf(OpBuilder &builder, NormOp norm,
                                       ArrayRef<bool> needed) {
  if (!needed[0] || !needed[1])
    return {};
  return llvm::to_vector_of<Value>(StatisticsOp::create(builder, norm.getLoc(),
                                                        norm.getInput(),
                                                        norm.getEpsAttr())
                                       ->getResults());
}

LogicalResult
LayerNormOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                          ArrayRef<bool> needed,
                          SmallVectorImpl<Value> &operandCotangents) {
  Value dy = cotangents[0];
  SmallVector<Value> statistics =
      statisticsOf<LayerNormStatisticsOp>(builder, *this, needed);
  if (needed[0])
    operandCotangents[0] =
        LayerNormGradInputOp::create(builder, getLoc(), getInput(), getGamma(),
                                     dy, statistics, getEpsAttr());
  if (needed[1])
    operandCotangents[1] = LayerNormGradScaleOp::create(
        builder, getLoc(), getInput(), dy, statistics, Value(), getEpsAttr());
  if (needed[2])
    operandCotangents[2] = adjoint::sumOfRows(builder, getLoc(), dy);
  return success();
}

LogicalResult
RMSNormOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                        ArrayRef<bool> needed,
                        SmallVectorImpl<Value> &operandCotangents) {
  Value dy = cotangents[0];
  SmallVector<Value> statistics =
      statisticsOf<RMSNormStatisticsOp>(builder, *this, needed);
  if (needed[0])
    operandCotangents[0] =
        RMSNormGradInputOp::create(builder, getLoc(), getInput(), getGamma(),
                                   dy, statistics, getEpsAttr());
  if (needed[1])
    operandCotangents[1] = RMSNormGradScaleOp::create(
        builder, getLoc(), getInput(), dy, statistics, Value(), getEpsAttr());
  return success();
}

//===----------------------------------------------------------------------===//
// Attention and positions
//===----------------------------------------------------------------------===//

LogicalResult
AttentionOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                          ArrayRef<bool> needed,
                          SmallVectorImpl<Value> &operandCotangents) {
  if (cotangents[1])
    return emitOpError("has no derivative through its log-sum-exp, but a "
                       "gradient must pass through it: compute the scores "
                       "with nn.matmul and nn.softmax instead");
  auto grad = AttentionGradOp::create(
      builder, getLoc(), getQuery(), getKey(), getValue(), getResult(),
      getLse(), cotangents[0], getDocuments(), getCausalAttr(), getScaleAttr());
  for (unsigned i = 0; i < 3; ++i)
    operandCotangents[i] = grad->getResult(i);
  return success();
}

/// A rotation: its adjoint turns back.
LogicalResult
RotaryOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                       ArrayRef<bool> needed,
                       SmallVectorImpl<Value> &operandCotangents) {
  UnitAttr inverse = getInverse() ? UnitAttr() : builder.getUnitAttr();
  operandCotangents[0] =
      RotaryOp::create(builder, getLoc(), cotangents[0], getBaseAttr(),
                       getScalingAttr(), getInterleavedAttr(), inverse);
  return success();
}

//===----------------------------------------------------------------------===//
// Losses
//===----------------------------------------------------------------------===//

LogicalResult
CrossEntropyOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                             ArrayRef<bool> needed,
                             SmallVectorImpl<Value> &operandCotangents) {
  Location loc = getLoc();
  if (!needed[0])
    return success();
  Value dlogits;
  if (Value dloss = cotangents[0])
    dlogits =
        CrossEntropyGradOp::create(builder, loc, getLogits(), getTargets(),
                                   getLse(), dloss, getIgnoreIndexAttr());
  // The derivative of log-sum-exp is softmax.
  if (Value dlse = cotangents[1]) {
    RankedTensorType type = getLogits().getType();
    int64_t axis = type.getRank() - 1;
    SmallVector<int64_t> shape(type.getShape());
    shape.back() = 1;
    Value column =
        ReshapeOp::create(builder, loc, getLse().getType().clone(shape), dlse);
    Value narrowed = CastOp::create(builder, loc, type.clone(shape), column);
    Value softmax = SoftmaxOp::create(builder, loc, getLogits(), axis);
    Value term = MulOp::create(builder, loc, softmax, narrowed);
    dlogits =
        dlogits ? Value(AddOp::create(builder, loc, dlogits, term)) : term;
  }
  operandCotangents[0] = dlogits;
  return success();
}

LogicalResult
ClassSumsOp::buildAdjoint(OpBuilder &builder, ValueRange cotangents,
                          ArrayRef<bool> needed,
                          SmallVectorImpl<Value> &operandCotangents) {
  if (!needed[0])
    return success();
  SmallVector<Value, 2> given(cotangents);
  for (Value &cotangent : given)
    if (!cotangent) {
      auto type = cast<RankedTensorType>(getSum().getType());
      cotangent = arith::ConstantOp::create(
          builder, getLoc(), cast<TypedAttr>(builder.getZeroAttr(type)));
    }
  operandCotangents[0] = ClassSumsGradOp::create(
      builder, getLoc(), getLogits(), getShift(), getTargets(), given[0],
      given[1], getNumbers(), getCountAttr(), getIgnoreIndexAttr());
  return success();
}
