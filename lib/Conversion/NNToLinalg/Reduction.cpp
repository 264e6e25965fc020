//===- Reduction.cpp - Sums, means, maxima, softmax -----------------------===//
//
// Neighbouring dimensions that are all reduced, or all kept, are one loop. A
// reduction over leading dimensions is so a loop over rows that adds to a
// vector, which vectorises without any change of order.
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "Patterns.h"

#include "pp/Dialect/Kernel/IR/KernelOps.h"
#include "pp/Dialect/NN/IR/NNOps.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

#include <limits>

using namespace mlir;
using namespace pp;
using namespace pp::nn;

namespace {
/// A tensor with neighbouring dimensions of one kind merged.
struct Grouped {
  SmallVector<int64_t> shape;   ///< sizes of the groups
  SmallVector<int64_t> reduced; ///< groups that are reduced
  SmallVector<int64_t> kept;    ///< groups that stay
  SmallVector<int64_t> result;  ///< sizes of those
};
} // namespace

static Grouped group(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes) {
  Grouped grouped;
  bool before = false;
  for (auto [dim, size] : llvm::enumerate(shape)) {
    bool isReduced = llvm::is_contained(axes, static_cast<int64_t>(dim));
    if (dim != 0 && isReduced == before) {
      grouped.shape.back() *= size;
    } else {
      int64_t index = grouped.shape.size();
      (isReduced ? grouped.reduced : grouped.kept).push_back(index);
      grouped.shape.push_back(size);
    }
    before = isReduced;
  }
  for (int64_t index : grouped.kept)
    grouped.result.push_back(grouped.shape[index]);
  return grouped;
}

/// Reduces `input`, widened where it is read, over `axes` from `init`, which
/// has the shape of the groups that stay.
static Value reduce(Emitter &emitter, Value input, const Grouped &grouped,
                    Value init,
                    function_ref<Value(Emitter &, Value, Value)> combine) {
  SmallVector<int64_t> all =
      llvm::to_vector(llvm::seq<int64_t>(0, grouped.shape.size()));
  return emitter.generic(
      grouped.shape.size(), grouped.reduced,
      {{emitter.reshape(input, grouped.shape), all}}, {{init, grouped.kept}},
      [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
        return {combine(inner, scalars[1], inner.widenScalar(scalars[0]))};
      })[0];
}

static Value sumOf(Emitter &emitter, Value a, Value b) {
  return emitter.accumulate(a, b);
}
static Value maximumOf(Emitter &emitter, Value a, Value b) {
  return emitter.maximum(a, b);
}

/// value * factor, elementwise on a tensor.
static Value scaled(Emitter &emitter, Value value, double factor) {
  SmallVector<int64_t> dims =
      llvm::to_vector(llvm::seq<int64_t>(0, shapeOf(value).size()));
  return emitter.generic(
      dims.size(), {}, {{value, dims}},
      {{emitter.empty(shapeOf(value), elementOf(value)), dims}},
      [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
        return {
            inner.mul(scalars[0], inner.number(scalars[0].getType(), factor))};
      })[0];
}

namespace {
struct LowerReduceSum : OpRewritePattern<ReduceSumOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReduceSumOp op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op.getLoc());
    Value input = op.getInput();
    Type element = emitter.widenType(elementOf(input));
    Grouped grouped = group(shapeOf(input), op.getAxes());
    Value init = op.getInit() ? emitter.reshape(emitter.widen(op.getInit()),
                                                grouped.result)
                              : emitter.filled(grouped.result, element, 0);
    Value sum = reduce(emitter, input, grouped, init, sumOf);
    rewriter.replaceOp(op, emitter.finish(sum, op.getType()));
    return success();
  }
};

struct LowerReduceMean : OpRewritePattern<ReduceMeanOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReduceMeanOp op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op.getLoc());
    Value input = op.getInput();
    Type element = emitter.widenType(elementOf(input));
    Grouped grouped = group(shapeOf(input), op.getAxes());
    double count = 1;
    for (int64_t index : grouped.reduced)
      count *= static_cast<double>(grouped.shape[index]);
    Value zero = emitter.filled(grouped.result, element, 0);
    Value sum = reduce(emitter, input, grouped, zero, sumOf);
    rewriter.replaceOp(
        op, emitter.finish(scaled(emitter, sum, 1 / count), op.getType()));
    return success();
  }
};

struct LowerReduceMax : OpRewritePattern<ReduceMaxOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReduceMaxOp op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op.getLoc());
    Value input = op.getInput();
    Type element = emitter.widenType(elementOf(input));
    Grouped grouped = group(shapeOf(input), op.getAxes());
    Value lowest = emitter.filled(grouped.result, element,
                                  -std::numeric_limits<double>::infinity());
    Value result = reduce(emitter, input, grouped, lowest, maximumOf);
    rewriter.replaceOp(op, emitter.finish(result, op.getType()));
    return success();
  }
};

struct LowerSoftmax : OpRewritePattern<SoftmaxOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SoftmaxOp op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op.getLoc());
    Value input = emitter.widen(op.getInput());
    Grouped grouped =
        group(shapeOf(input), {static_cast<int64_t>(op.getAxis())});
    int64_t rank = grouped.shape.size();
    SmallVector<int64_t> all = llvm::to_vector(llvm::seq<int64_t>(0, rank));
    input = emitter.reshape(input, grouped.shape);
    Type element = elementOf(input);
    Value lowest = emitter.filled(grouped.result, element,
                                  -std::numeric_limits<double>::infinity());
    Value top = reduce(emitter, input, grouped, lowest, maximumOf);
    Value powers = emitter.generic(
        rank, {}, {{input, all}, {top, grouped.kept}},
        {{emitter.empty(grouped.shape, element), all}},
        [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          return {inner.exp(inner.sub(scalars[0], scalars[1]))};
        })[0];
    Value zero = emitter.filled(grouped.result, element, 0);
    Value sum = reduce(emitter, powers, grouped, zero, sumOf);
    Value result = emitter.generic(
        rank, {}, {{powers, all}, {sum, grouped.kept}},
        {{emitter.empty(grouped.shape, element), all}},
        [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          return {inner.div(scalars[0], scalars[1])};
        })[0];
    rewriter.replaceOp(op, emitter.finish(result, op.getType()));
    return success();
  }
};

/// On CPUs rows of 16 columns, summed by columns, and what is left over as a
/// part of a further row; then halves of the columns. A device has kernels.
struct LowerSumOfSquares : OpRewritePattern<SumOfSquaresOp> {
  LowerSumOfSquares(MLIRContext *context, bool parallel)
      : OpRewritePattern(context), parallel(parallel) {}
  LogicalResult matchAndRewrite(SumOfSquaresOp op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op.getLoc());
    Value input = op.getInput();
    const int64_t elements = shapeOf(input)[0];
    Type f64 = rewriter.getF64Type();
    if (parallel) {
      Value sum = emitter.empty({}, f64);
      Value partials =
          emitter.empty({kernel::SumOfSquaresOp::countBlocks(elements)}, f64);
      auto call = kernel::SumOfSquaresOp::create(
          rewriter, op.getLoc(), TypeRange{sum.getType(), partials.getType()},
          input, sum, partials);
      rewriter.replaceOp(op, call.getResult(0));
      return success();
    }
    constexpr int64_t lanes = 16;
    auto number = [&](int64_t value) {
      return SmallVector<OpFoldResult>{rewriter.getIndexAttr(value)};
    };
    auto slice = [&](Value whole, int64_t offset, int64_t size) -> Value {
      return tensor::ExtractSliceOp::create(rewriter, op.getLoc(), whole,
                                            number(offset), number(size),
                                            number(1));
    };
    auto addSquare = [&](Emitter &inner, ValueRange scalars) {
      Value x =
          arith::ExtFOp::create(inner.builder, inner.loc, f64, scalars[0]);
      return SmallVector<Value>{inner.add(scalars[1], inner.mul(x, x))};
    };
    Value sums = emitter.filled({lanes}, f64, 0);
    const int64_t rows = elements / lanes, rest = elements % lanes;
    auto index = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(rewriter, op.getLoc(), value);
    };
    // A loop over rows that says nothing of how many there are but its end.
    if (rows > 0)
      sums = scf::ForOp::create(
                 rewriter, op.getLoc(), index(0), index(rows), index(1), sums,
                 [&](OpBuilder &builder, Location loc, Value row,
                     ValueRange carried) {
                   Emitter inner(builder, loc);
                   Value width =
                       arith::ConstantIndexOp::create(builder, loc, lanes);
                   Value begin =
                       arith::MulIOp::create(builder, loc, row, width);
                   Value values = tensor::ExtractSliceOp::create(
                       builder, loc, input, SmallVector<OpFoldResult>{begin},
                       number(lanes), number(1));
                   scf::YieldOp::create(builder, loc,
                                        inner.generic(1, {}, {{values, {0}}},
                                                      {{carried[0], {0}}},
                                                      addSquare));
                 })
                 .getResult(0);
    if (rest > 0) {
      Value added =
          emitter.generic(1, {}, {{slice(input, rows * lanes, rest), {0}}},
                          {{slice(sums, 0, rest), {0}}}, addSquare)[0];
      sums = tensor::InsertSliceOp::create(rewriter, op.getLoc(), added, sums,
                                           number(0), number(rest), number(1));
    }
    Value sum = emitter.generic(
        1, {}, {}, {{emitter.empty({1}, f64), {0}}},
        [&](Emitter &inner, ValueRange) {
          SmallVector<Value> all;
          for (int64_t lane = 0; lane < lanes; ++lane) {
            Value at =
                arith::ConstantIndexOp::create(inner.builder, inner.loc, lane);
            all.push_back(
                tensor::ExtractOp::create(inner.builder, inner.loc, sums, at));
          }
          for (int64_t half = lanes / 2; half > 0; half /= 2)
            for (int64_t lane = 0; lane < half; ++lane)
              all[lane] = inner.add(all[lane], all[lane + half]);
          return SmallVector<Value>{all[0]};
        })[0];
    rewriter.replaceOp(op, emitter.reshape(sum, op.getType()));
    return success();
  }

  bool parallel;
};
} // namespace

void pp::populateReductionPatterns(RewritePatternSet &patterns, bool parallel) {
  patterns.add<LowerReduceSum, LowerReduceMean, LowerReduceMax, LowerSoftmax>(
      patterns.getContext());
  patterns.add<LowerSumOfSquares>(patterns.getContext(), parallel);
}
