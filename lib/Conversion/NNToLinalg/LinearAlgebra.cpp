//===- LinearAlgebra.cpp - Matrix products --------------------------------===//
//
// f32 and bf16 go to the library, with rows collapsed. f64 becomes
// loops in the order m, k, n: the innermost adds to a row of the result, which
// vectorises without changing the order of any sum.
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "Patterns.h"

#include "pp/Dialect/Kernel/IR/KernelOps.h"
#include "pp/Dialect/NN/IR/NNOps.h"

using namespace mlir;
using namespace pp;
using namespace pp::nn;

/// Loops b (if the operands have rank 3), m, k, n.
static Value loops(Emitter &emitter, Value lhs, Value rhs, Value init,
                   bool transposeA, bool transposeB) {
  int64_t batch = shapeOf(lhs).size() == 3;
  int64_t m = batch, k = batch + 1, n = batch + 2;
  auto dims = [&](int64_t first, int64_t second, bool exchange) {
    SmallVector<int64_t> result;
    if (batch)
      result.push_back(0);
    result.push_back(exchange ? second : first);
    result.push_back(exchange ? first : second);
    return result;
  };
  return emitter.generic(
      batch + 3, {k},
      {{lhs, dims(m, k, transposeA)}, {rhs, dims(k, n, transposeB)}},
      {{init, dims(m, n, false)}},
      [](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
        return {
            inner.accumulate(scalars[2], inner.mul(scalars[0], scalars[1]))};
      })[0];
}

/// lhs rhs, plus `init` if there is one, with elements of `element`; of rank 2
/// or 3.
static Value product(Emitter &emitter, Value lhs, Value rhs, Value init,
                     bool transposeA, bool transposeB, Type element) {
  SmallVector<int64_t> shape(shapeOf(lhs).drop_back(2));
  shape.push_back(shapeOf(lhs).take_back(2)[transposeA ? 1 : 0]);
  shape.push_back(shapeOf(rhs).take_back(2)[transposeB ? 0 : 1]);
  if (element.isF64()) {
    if (!init)
      init = emitter.filled(shape, element, 0);
    return loops(emitter, lhs, rhs, init, transposeA, transposeB);
  }
  bool accumulate = static_cast<bool>(init);
  if (!init)
    init = emitter.empty(shape, element);
  auto call = kernel::GemmOp::create(
      emitter.builder, emitter.loc, ValueRange{init, init}.getTypes(), lhs, rhs,
      init, /*workspace=*/init, transposeA, transposeB, accumulate);
  return emitter.addWorkspace(call)->getResult(0);
}

namespace {
struct LowerLinear : OpRewritePattern<LinearOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LinearOp op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op.getLoc());
    // A sum of bf16 is rounded once, with its bias.
    Type element = elementOf(op.getInput());
    Value result = product(emitter, emitter.rows(op.getInput()), op.getWeight(),
                           {}, false, op.getTransposed(),
                           op.getBias() ? emitter.widenType(element) : element);
    // The bias is a loop of its own, which fuses with what follows.
    if (Value bias = emitter.widen(op.getBias()))
      result = emitter.generic(
          2, {}, {{result, {0, 1}}, {bias, {1}}},
          {{emitter.empty(shapeOf(result), elementOf(result)), {0, 1}}},
          [](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
            return {inner.add(scalars[0], scalars[1])};
          })[0];
    rewriter.replaceOp(op, emitter.finish(result, op.getType()));
    return success();
  }
};

struct LowerMatmul : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MatmulOp op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op.getLoc());
    // Batch dimensions, if any, are one.
    auto batched = [&](Value value) -> Value {
      if (!value || shapeOf(value).size() <= 3)
        return value;
      ArrayRef<int64_t> matrix = shapeOf(value).take_back(2);
      int64_t batch = 1;
      for (int64_t size : shapeOf(value).drop_back(2))
        batch *= size;
      return emitter.reshape(value, {batch, matrix[0], matrix[1]});
    };
    Value result = product(emitter, batched(op.getLhs()), batched(op.getRhs()),
                           batched(op.getInit()), op.getTransposeA(),
                           op.getTransposeB(), elementOf(op.getResult()));
    rewriter.replaceOp(op, emitter.finish(result, op.getType()));
    return success();
  }
};
} // namespace

void pp::populateLinearAlgebraPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerLinear, LowerMatmul>(patterns.getContext());
}
