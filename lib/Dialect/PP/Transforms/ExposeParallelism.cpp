//===- ExposeParallelism.cpp - Ops in forms that can be cut ---------------===//
//
// A rule says how an op may be cut as it is. Some have to be taken apart first:
//
// - a product with a bias: summands of the product each would have the bias;
// - a mean: means of parts are no summands of it, sums are;
// - a cross entropy: over parts of the classes it is a maximum, two sums, and
//   for each position what these make together.
//
//===----------------------------------------------------------------------===//

#include "ExposeParallelism.h"

#include "pp/Dialect/Comm/IR/CommOps.h"
#include "pp/Dialect/NN/IR/NNOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace pp;

/// The bias comes behind the product, where its sum is.
static void splitBias(nn::LinearOp product) {
  if (!product.getBias())
    return;
  OpBuilder builder(product);
  Value plain = nn::LinearOp::create(
      builder, product.getLoc(), product.getType(), product.getInput(),
      product.getWeight(), /*bias=*/Value(), product.getTransposed());
  auto sum = nn::AddOp::create(builder, product.getLoc(), product.getType(),
                               plain, product.getBias());
  sum->setAttr(attr::kBias, builder.getUnitAttr());
  product.replaceAllUsesWith(sum.getResult());
  product.erase();
}

static Value constantOf(OpBuilder &builder, Location loc, RankedTensorType type,
                        double value) {
  Type element = type.getElementType();
  Attribute number =
      isa<FloatType>(element)
          ? Attribute(builder.getFloatAttr(element, value))
          : Attribute(builder.getIntegerAttr(element, int64_t(value)));
  return arith::ConstantOp::create(builder, loc,
                                   DenseElementsAttr::get(type, number));
}

static void splitMean(nn::ReduceMeanOp mean) {
  OpBuilder builder(mean);
  Location loc = mean.getLoc();
  int64_t count = 1;
  for (int64_t dim : mean.getAxes())
    count *= cast<RankedTensorType>(mean.getInput().getType()).getDimSize(dim);
  auto type = cast<RankedTensorType>(mean.getType());
  Value sum = nn::ReduceSumOp::create(builder, loc, type, mean.getInput(),
                                      /*init=*/Value(), mean.getAxes(),
                                      mean.getKeepdims());
  Value divisor = constantOf(builder, loc, type, double(count));
  mean.replaceAllUsesWith(
      nn::DivOp::create(builder, loc, type, sum, divisor).getResult());
  mean.erase();
}

/// `log sum_v exp l_v - l_target` with the maximum of the row taken off first,
/// as a mean over the positions that count.
static void splitCrossEntropy(nn::CrossEntropyOp loss) {
  OpBuilder builder(loss);
  Location loc = loss.getLoc();
  auto rows = cast<RankedTensorType>(loss.getLse().getType());
  auto scalar = cast<RankedTensorType>(loss.getLoss().getType());
  Value highest =
      nn::ClassMaxOp::create(builder, loc, loss.getLogits(),
                             /*numbers=*/Value(), /*count=*/IntegerAttr());
  Value shift = comm::DetachOp::create(builder, loc, highest);
  auto sums = nn::ClassSumsOp::create(
      builder, loc, loss.getLogits(), shift, loss.getTargets(),
      /*numbers=*/Value(), /*count=*/IntegerAttr(), loss.getIgnoreIndexAttr());
  Value log = math::LogOp::create(builder, loc, sums.getSum());
  Value each = nn::SubOp::create(builder, loc, rows, log, sums.getLogit());

  auto ids = cast<RankedTensorType>(loss.getTargets().getType());
  Value ignored = arith::ConstantOp::create(
      builder, loc,
      DenseElementsAttr::get(
          ids, builder.getIntegerAttr(ids.getElementType(),
                                      int64_t(loss.getIgnoreIndex()))));
  Value counts = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne,
                                       loss.getTargets(), ignored);
  auto sumOf = [&](Value value) -> Value {
    if (rows.getRank() == 0)
      return value;
    return nn::ReduceSumOp::create(
        builder, loc, scalar, value, /*init=*/Value(),
        llvm::to_vector(llvm::seq<int64_t>(0, rows.getRank())),
        /*keepdims=*/false);
  };
  Value total = sumOf(arith::SelectOp::create(
      builder, loc, counts, each, constantOf(builder, loc, rows, 0)));
  Value positions = sumOf(arith::UIToFPOp::create(builder, loc, rows, counts));
  // 0 where no position counts.
  Value divisor = arith::MaximumFOp::create(
      builder, loc, positions, constantOf(builder, loc, scalar, 1));
  loss.getLoss().replaceAllUsesWith(
      nn::DivOp::create(builder, loc, scalar, total, divisor).getResult());
  if (!loss.getLse().use_empty()) {
    if (shift.getType() != rows)
      shift = nn::CastOp::create(builder, loc, rows, shift);
    loss.getLse().replaceAllUsesWith(
        nn::AddOp::create(builder, loc, rows, log, shift).getResult());
  }
  loss.erase();
}

void pp::exposeParallelism(LayerOp layer, int64_t size) {
  Block &body = layer.getBody().front();
  for (Operation &op : llvm::make_early_inc_range(body.without_terminator())) {
    if (auto product = dyn_cast<nn::LinearOp>(op))
      splitBias(product);
    else if (auto mean = dyn_cast<nn::ReduceMeanOp>(op))
      splitMean(mean);
    else if (auto loss = dyn_cast<nn::CrossEntropyOp>(op))
      splitCrossEntropy(loss);
  }
  repeatKeyHeads(layer, size);
}
