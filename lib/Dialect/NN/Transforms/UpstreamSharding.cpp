//===- UpstreamSharding.cpp - Rules of arith and math ops -----------------===//

#include "pp/Dialect/NN/Transforms/UpstreamSharding.h"

#include "pp/Interfaces/ShardableOpInterface.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"

using namespace mlir;

namespace {

using Terms = SmallVector<SmallVector<unsigned>>;

/// The model of an elementwise op with the terms `get()`.
template <typename Op, Terms (*get)()>
struct LinearModel
    : pp::ShardableOpInterface::ExternalModel<LinearModel<Op, get>, Op> {
  pp::ShardingRule getShardingRule(Operation *op) const {
    return pp::elementwiseRule(op, get());
  }
};

template <typename Op, Terms (*get)()> void attach(MLIRContext *context) {
  Op::template attachInterface<LinearModel<Op, get>>(*context);
}

Terms first() { return {{0}}; }
Terms sum() { return {{0}, {1}}; }
Terms product() { return {{0, 1}}; }
Terms choice() { return {{1}, {2}}; }
Terms productAndSum() { return {{0, 1}, {2}}; }

} // namespace

void pp::nn::registerUpstreamSharding(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, arith::ArithDialect *) {
    attach<arith::AddFOp, sum>(context);
    attach<arith::SubFOp, sum>(context);
    attach<arith::MulFOp, product>(context);
    attach<arith::DivFOp, first>(context);
    attach<arith::NegFOp, first>(context);
    attach<arith::ExtFOp, first>(context);
    attach<arith::TruncFOp, first>(context);
    attach<arith::SelectOp, choice>(context);
  });
  registry.addExtension(+[](MLIRContext *context, math::MathDialect *) {
    attach<math::FmaOp, productAndSum>(context);
  });
}
