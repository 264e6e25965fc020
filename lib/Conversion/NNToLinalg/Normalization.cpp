//===- Normalization.cpp - Layer norm, rms norm and their adjoints --------===//
//
// Rows by rows: statistics of a row, then its elements. The backward computes
// the statistics again from x, which costs one pass over a row in the cache and
// saves keeping them; its adjoints share them. With xhat = (x - mean) / std and
// g = dy gamma:
//   layer norm: dx = (g - mean(g) - xhat mean(g xhat)) / std
//   rms norm:   dx = (g - xhat mean(g xhat)) / rms,  xhat = x / rms
// so that one code serves both.
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "Patterns.h"

#include "pp/Dialect/NN/IR/NNOps.h"

using namespace mlir;
using namespace pp;
using namespace pp::nn;

namespace {
/// Mean (absent for rms norm) and reciprocal of the deviation of each row.
struct Statistics {
  Value mean;
  Value scale;
};
} // namespace

/// For each row of `inputs` (matrices, or vectors of columns) the sums of what
/// `body` computes; `rowInputs` have one number a row.
static SmallVector<Value> rowSums(Emitter &emitter, ArrayRef<Input> inputs,
                                  int64_t rows, Type element, int64_t count,
                                  Emitter::Body body) {
  SmallVector<Input> inits;
  for (int64_t i = 0; i < count; ++i)
    inits.push_back({emitter.filled({rows}, element, 0), {0}});
  return emitter.generic(
      2, {1}, inputs, inits,
      [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
        SmallVector<Value> terms = body(inner, scalars.drop_back(count));
        for (auto [term, sum] : llvm::zip(terms, scalars.take_back(count)))
          term = inner.accumulate(sum, term);
        return terms;
      });
}

/// body of one number for each row.
static Value perRow(Emitter &emitter, Value input,
                    function_ref<Value(Emitter &, Value)> body) {
  return emitter.generic(
      1, {}, {{input, {0}}},
      {{emitter.empty(shapeOf(input), elementOf(input)), {0}}},
      [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
        return {body(inner, scalars[0])};
      })[0];
}

static Statistics statisticsOf(Emitter &emitter, Value x, double eps,
                               bool centered) {
  int64_t rows = shapeOf(x)[0];
  double count = shapeOf(x)[1];
  Type element = elementOf(x);
  Statistics statistics;
  SmallVector<Input> inputs{{x, {0, 1}}};
  if (centered) {
    Value sum = rowSums(emitter, inputs, rows, element, 1,
                        [](Emitter &, ValueRange scalars) {
                          return SmallVector<Value>{scalars[0]};
                        })[0];
    statistics.mean = perRow(emitter, sum, [&](Emitter &inner, Value value) {
      return inner.mul(value, inner.number(element, 1 / count));
    });
    inputs.push_back({statistics.mean, {0}});
  }
  Value squares = rowSums(emitter, inputs, rows, element, 1,
                          [&](Emitter &inner, ValueRange scalars) {
                            Value d = centered
                                          ? inner.sub(scalars[0], scalars[1])
                                          : scalars[0];
                            return SmallVector<Value>{inner.mul(d, d)};
                          })[0];
  statistics.scale = perRow(emitter, squares, [&](Emitter &inner, Value value) {
    Value mean = inner.mul(value, inner.number(element, 1 / count));
    Value root = inner.sqrt(inner.add(mean, inner.number(element, eps)));
    return inner.div(inner.number(element, 1), root);
  });
  return statistics;
}

/// x with its statistics, as inputs of loops over rows and columns.
static SmallVector<Input> normalizedInputs(Value x, Statistics statistics) {
  SmallVector<Input> inputs{{x, {0, 1}}, {statistics.scale, {0}}};
  if (statistics.mean)
    inputs.push_back({statistics.mean, {0}});
  return inputs;
}

/// xhat from the scalars of `normalizedInputs`, which are dropped.
static Value normalized(Emitter &emitter, ValueRange &scalars, bool centered) {
  Value x = scalars[0], scale = scalars[1];
  if (centered)
    x = emitter.sub(x, scalars[2]);
  scalars = scalars.drop_front(centered ? 3 : 2);
  return emitter.mul(x, scale);
}

static Value forward(Emitter &emitter, Value x, Value gamma, Value beta,
                     double eps) {
  bool centered = static_cast<bool>(beta);
  x = emitter.rows(emitter.widen(x));
  SmallVector<Input> inputs =
      normalizedInputs(x, statisticsOf(emitter, x, eps, centered));
  inputs.push_back({emitter.widen(gamma), {1}});
  if (beta)
    inputs.push_back({emitter.widen(beta), {1}});
  return emitter.generic(
      2, {}, inputs, {{emitter.empty(shapeOf(x), elementOf(x)), {0, 1}}},
      [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
        Value y = normalized(inner, scalars, centered);
        y = inner.mul(y, scalars[0]);
        return {beta ? inner.add(y, scalars[1]) : y};
      })[0];
}

/// Those that an adjoint is given, in the order of the op's results, or its
/// own.
static Statistics statisticsOf(Emitter &emitter, Value x, ValueRange given,
                               double eps, bool centered) {
  if (given.empty())
    return statisticsOf(emitter, x, eps, centered);
  return {centered ? given.front() : Value(), given.back()};
}

static Value gradInput(Emitter &emitter, Value x, Value gamma, Value dy,
                       ValueRange given, double eps, bool centered) {
  x = emitter.rows(emitter.widen(x));
  dy = emitter.rows(emitter.widen(dy));
  gamma = emitter.widen(gamma);
  double count = shapeOf(x)[1];
  Statistics statistics = statisticsOf(emitter, x, given, eps, centered);
  SmallVector<Input> inputs = normalizedInputs(x, statistics);
  inputs.push_back({dy, {0, 1}});
  inputs.push_back({gamma, {1}});
  SmallVector<Value> sums =
      rowSums(emitter, inputs, shapeOf(x)[0], elementOf(x), centered ? 2 : 1,
              [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
                Value xhat = normalized(inner, scalars, centered);
                Value g = inner.mul(scalars[0], scalars[1]);
                SmallVector<Value> terms{inner.mul(g, xhat)};
                if (centered)
                  terms.push_back(g);
                return terms;
              });
  for (Value sum : sums)
    inputs.push_back({perRow(emitter, sum,
                             [&](Emitter &inner, Value value) {
                               return inner.mul(
                                   value,
                                   inner.number(value.getType(), 1 / count));
                             }),
                      {0}});
  return emitter.generic(
      2, {}, inputs, {{emitter.empty(shapeOf(x), elementOf(x)), {0, 1}}},
      [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
        Value scale = scalars[1];
        Value xhat = normalized(inner, scalars, centered);
        Value dx = inner.mul(scalars[0], scalars[1]);
        dx = inner.sub(dx, inner.mul(xhat, scalars[2]));
        if (centered)
          dx = inner.sub(dx, scalars[3]);
        return {inner.mul(dx, scale)};
      })[0];
}

static Value gradScale(Emitter &emitter, Value x, Value dy, Value init,
                       ValueRange given, double eps, bool centered) {
  x = emitter.rows(emitter.widen(x));
  dy = emitter.rows(emitter.widen(dy));
  Value start = init ? emitter.widen(init)
                     : emitter.filled(shapeOf(x)[1], elementOf(x), 0);
  SmallVector<Input> inputs =
      normalizedInputs(x, statisticsOf(emitter, x, given, eps, centered));
  inputs.push_back({dy, {0, 1}});
  return emitter.generic(
      2, {0}, inputs, {{start, {1}}},
      [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
        Value xhat = normalized(inner, scalars, centered);
        return {inner.accumulate(scalars[1], inner.mul(scalars[0], xhat))};
      })[0];
}

namespace {
/// `Build` makes the rows of the result.
template <typename OpTy> struct LowerNorm : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op.getLoc());
    Value result = build(emitter, op, op.getEps().convertToDouble());
    rewriter.replaceOp(op, emitter.finish(result, op.getType()));
    return success();
  }

  static Value build(Emitter &emitter, LayerNormOp op, double eps) {
    return forward(emitter, op.getInput(), op.getGamma(), op.getBeta(), eps);
  }
  static Value build(Emitter &emitter, RMSNormOp op, double eps) {
    return forward(emitter, op.getInput(), op.getGamma(), {}, eps);
  }
  static Value build(Emitter &emitter, LayerNormGradInputOp op, double eps) {
    return gradInput(emitter, op.getInput(), op.getGamma(), op.getDy(),
                     op.getStatistics(), eps, true);
  }
  static Value build(Emitter &emitter, RMSNormGradInputOp op, double eps) {
    return gradInput(emitter, op.getInput(), op.getGamma(), op.getDy(),
                     op.getStatistics(), eps, false);
  }
  static Value build(Emitter &emitter, LayerNormGradScaleOp op, double eps) {
    return gradScale(emitter, op.getInput(), op.getDy(), op.getInit(),
                     op.getStatistics(), eps, true);
  }
  static Value build(Emitter &emitter, RMSNormGradScaleOp op, double eps) {
    return gradScale(emitter, op.getInput(), op.getDy(), op.getInit(),
                     op.getStatistics(), eps, false);
  }
};

template <typename OpTy> struct LowerStatistics : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op.getLoc());
    Value x = emitter.rows(emitter.widen(op.getInput()));
    bool centered = std::is_same_v<OpTy, LayerNormStatisticsOp>;
    Statistics statistics =
        statisticsOf(emitter, x, op.getEps().convertToDouble(), centered);
    SmallVector<Value> results{statistics.scale};
    if (centered)
      results.insert(results.begin(), statistics.mean);
    rewriter.replaceOp(op, results);
    return success();
  }
};
} // namespace

void pp::populateNormalizationPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerNorm<LayerNormOp>, LowerNorm<RMSNormOp>,
               LowerNorm<LayerNormGradInputOp>, LowerNorm<RMSNormGradInputOp>,
               LowerNorm<LayerNormGradScaleOp>, LowerNorm<RMSNormGradScaleOp>,
               LowerStatistics<LayerNormStatisticsOp>,
               LowerStatistics<RMSNormStatisticsOp>>(patterns.getContext());
}
