//===- ExposeParallelism.cpp - Ops in forms that can be cut ---------------===//
//
// A rule says how an op may be cut as it is. Some have to be taken apart first:
//
// - a product with a bias: summands of the product each would have the bias;
// - a mean: those of parts are no summands of it, sums are.
//
//===----------------------------------------------------------------------===//

#include "ExposeParallelism.h"

#include "pp/Dialect/NN/IR/NNOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

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

static void splitMean(nn::ReduceMeanOp mean) {
  OpBuilder builder(mean);
  int64_t count = 1;
  for (int64_t dim : mean.getAxes())
    count *= cast<RankedTensorType>(mean.getInput().getType()).getDimSize(dim);
  auto type = cast<RankedTensorType>(mean.getType());
  Value sum = nn::ReduceSumOp::create(builder, mean.getLoc(), type,
                                      mean.getInput(), /*init=*/Value(),
                                      mean.getAxes(), mean.getKeepdims());
  Value divisor = arith::ConstantOp::create(
      builder, mean.getLoc(),
      DenseElementsAttr::get(
          type, builder.getFloatAttr(type.getElementType(), double(count))));
  mean.replaceAllUsesWith(
      nn::DivOp::create(builder, mean.getLoc(), type, sum, divisor)
          .getResult());
  mean.erase();
}

void pp::exposeParallelism(LayerOp layer, int64_t size) {
  for (Operation &op : llvm::make_early_inc_range(
           layer.getBody().front().without_terminator())) {
    if (auto product = dyn_cast<nn::LinearOp>(op))
      splitBias(product);
    else if (auto mean = dyn_cast<nn::ReduceMeanOp>(op))
      splitMean(mean);
  }
}
