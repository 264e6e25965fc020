//===- Loss.cpp - Cross entropy -------------------------------------------===//
//
// Over rows of the vocabulary: maximum, sum of exponentials, and from these the
// loss of a row by one element. The adjoint is one pass: a factor for each row,
// 0 where the target is ignored, times (probability - [is the target]).
//
//===----------------------------------------------------------------------===//

#include "CheckIds.h"
#include "Emitter.h"
#include "Patterns.h"

#include "pp/Dialect/NN/IR/NNOps.h"

#include <limits>

using namespace mlir;
using namespace pp;
using namespace pp::nn;

/// target != ignore, of a scalar.
static Value counts(Emitter &emitter, Value target, int64_t ignore) {
  return arith::CmpIOp::create(emitter.builder, emitter.loc,
                               arith::CmpIPredicate::ne, target,
                               emitter.integer(target.getType(), ignore));
}

/// number / n, or 0 if n is 0, of scalars; n is an integer.
static Value meanOf(Emitter &emitter, Value number, Value n) {
  Type type = number.getType();
  Value count = arith::SIToFPOp::create(emitter.builder, emitter.loc, type, n);
  Value zero = emitter.number(type, 0);
  Value some = arith::CmpFOp::create(emitter.builder, emitter.loc,
                                     arith::CmpFPredicate::OGT, count, zero);
  return emitter.select(some, emitter.div(number, count), zero);
}

namespace {
struct LowerCrossEntropy : OpRewritePattern<CrossEntropyOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CrossEntropyOp op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op.getLoc());
    // One logit of each row is fetched from where they are, so that no matrix
    // of wider ones is needed.
    Value given = emitter.rows(op.getLogits());
    Value logits = emitter.rows(emitter.widen(op.getLogits()));
    int64_t rows = shapeOf(logits)[0], ignore = op.getIgnoreIndex();
    Value targets = checkIds(emitter, op, emitter.flat(op.getTargets()),
                             shapeOf(logits)[1], ignore);
    Type element = elementOf(logits);
    Type integer = rewriter.getI64Type();

    Value lowest =
        emitter.filled(rows, element, -std::numeric_limits<double>::infinity());
    Value top = emitter.generic(
        2, {1}, {{logits, {0, 1}}}, {{lowest, {0}}},
        [](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          return {inner.maximum(scalars[1], scalars[0])};
        })[0];
    Value sum = emitter.generic(
        2, {1}, {{logits, {0, 1}}, {top, {0}}},
        {{emitter.filled(rows, element, 0), {0}}},
        [](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          return {inner.accumulate(
              scalars[2], inner.exp(inner.sub(scalars[0], scalars[1])))};
        })[0];
    Value lse = emitter.generic(
        1, {}, {{top, {0}}, {sum, {0}}}, {{emitter.empty(rows, element), {0}}},
        [](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          return {inner.add(scalars[0], inner.log(scalars[1]))};
        })[0];
    SmallVector<Value> totals = emitter.generic(
        1, {0}, {{targets, {0}}, {lse, {0}}},
        {{emitter.filled({}, element, 0), {}},
         {emitter.filled({}, integer, 0), {}}},
        [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          Value counted = counts(inner, scalars[0], ignore);
          Value safe = inner.select(counted, scalars[0],
                                    inner.integer(scalars[0].getType(), 0));
          Value logit = tensor::ExtractOp::create(
              inner.builder, inner.loc, given,
              ValueRange{inner.index(0), inner.toIndex(safe)});
          logit = inner.widenScalar(logit);
          Value loss = inner.select(counted, inner.sub(scalars[1], logit),
                                    inner.number(element, 0));
          Value one = arith::ExtUIOp::create(inner.builder, inner.loc, integer,
                                             counted);
          return {
              inner.add(scalars[2], loss),
              arith::AddIOp::create(inner.builder, inner.loc, scalars[3], one)};
        });
    Value loss = emitter.generic(
        0, {}, {{totals[0], {}}, {totals[1], {}}},
        {{emitter.empty({}, element), {}}},
        [](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          return {meanOf(inner, scalars[0], scalars[1])};
        })[0];
    rewriter.replaceOp(op, {emitter.finish(loss, op.getLoss().getType()),
                            emitter.finish(lse, op.getLse().getType())});
    return success();
  }
};

struct LowerCrossEntropyGrad : OpRewritePattern<CrossEntropyGradOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CrossEntropyGradOp op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op.getLoc());
    Value logits = emitter.rows(emitter.widen(op.getLogits()));
    int64_t rows = shapeOf(logits)[0], ignore = op.getIgnoreIndex();
    Value targets = checkIds(emitter, op, emitter.flat(op.getTargets()),
                             shapeOf(logits)[1], ignore);
    Value lse = emitter.flat(emitter.widen(op.getLse()));
    Value dloss = emitter.widen(op.getDloss());
    Type element = elementOf(logits);
    Type integer = rewriter.getI64Type();

    Value count = emitter.generic(
        1, {0}, {{targets, {0}}}, {{emitter.filled({}, integer, 0), {}}},
        [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          Value one = arith::ExtUIOp::create(inner.builder, inner.loc, integer,
                                             counts(inner, scalars[0], ignore));
          return {
              arith::AddIOp::create(inner.builder, inner.loc, scalars[1], one)};
        })[0];
    Value factors = emitter.generic(
        1, {}, {{targets, {0}}, {dloss, {}}, {count, {}}},
        {{emitter.empty(rows, element), {0}}},
        [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          return {inner.select(counts(inner, scalars[0], ignore),
                               meanOf(inner, scalars[1], scalars[2]),
                               inner.number(element, 0))};
        })[0];
    Value result = emitter.generic(
        2, {}, {{logits, {0, 1}}, {lse, {0}}, {factors, {0}}, {targets, {0}}},
        {{emitter.empty(shapeOf(logits), element), {0, 1}}},
        [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          Value p = inner.exp(inner.sub(scalars[0], scalars[1]));
          Type id = scalars[3].getType();
          Value column = arith::IndexCastOp::create(inner.builder, inner.loc,
                                                    id, inner.index(1));
          Value isTarget = arith::CmpIOp::create(inner.builder, inner.loc,
                                                 arith::CmpIPredicate::eq,
                                                 column, scalars[3]);
          Value less = inner.sub(p, inner.number(element, 1));
          return {inner.mul(scalars[2], inner.select(isTarget, less, p))};
        })[0];
    rewriter.replaceOp(op, emitter.finish(result, op.getType()));
    return success();
  }
};

/// `value` of the class of column 1, or `padding` where that is none.
static Value orPadding(Emitter &emitter, const PartOfIds &part, Type id,
                       Value value, double padding) {
  if (part.isWhole())
    return value;
  Value isClass = arith::CmpIOp::create(
      emitter.builder, emitter.loc, arith::CmpIPredicate::slt,
      part.idOf(emitter, emitter.index(1), id),
      emitter.integer(id, part.getCount()));
  return emitter.select(isClass, value,
                        emitter.number(value.getType(), padding));
}

struct LowerClassMax : OpRewritePattern<ClassMaxOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ClassMaxOp op,
                                PatternRewriter &rewriter) const override {
    constexpr double lowest = -std::numeric_limits<double>::infinity();
    Emitter emitter(rewriter, op.getLoc());
    Value logits = emitter.rows(op.getLogits());
    const PartOfIds part(op.getNumbers(), op.getCount(), shapeOf(logits)[1]);
    Type id = part.isWhole() ? Type() : elementOf(op.getNumbers());
    Value highest = emitter.generic(
        2, {1}, {{logits, {0, 1}}},
        {{emitter.filled(shapeOf(logits)[0], elementOf(logits), lowest), {0}}},
        [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          return {inner.maximum(
              scalars[1], orPadding(inner, part, id, scalars[0], lowest))};
        })[0];
    rewriter.replaceOp(op, emitter.finish(highest, op.getType()));
    return success();
  }
};

struct LowerClassSums : OpRewritePattern<ClassSumsOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ClassSumsOp op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op.getLoc());
    Value given = emitter.rows(op.getLogits());
    Value logits = emitter.rows(emitter.widen(op.getLogits()));
    Value shift = emitter.flat(emitter.widen(op.getShift()));
    int64_t rows = shapeOf(logits)[0], ignore = op.getIgnoreIndex();
    const PartOfIds part(op.getNumbers(), op.getCount(), shapeOf(logits)[1]);
    Value targets = checkIds(emitter, op, emitter.flat(op.getTargets()),
                             part.getCount(), ignore);
    Type element = elementOf(logits), id = elementOf(targets);
    Value sum = emitter.generic(
        2, {1}, {{logits, {0, 1}}, {shift, {0}}},
        {{emitter.filled(rows, element, 0), {0}}},
        [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          Value e = inner.exp(inner.sub(scalars[0], scalars[1]));
          return {
              inner.accumulate(scalars[2], orPadding(inner, part, id, e, 0))};
        })[0];
    Value logit = emitter.generic(
        1, {}, {{targets, {0}}, {shift, {0}}},
        {{emitter.empty(rows, element), {0}}},
        [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          Value counted = counts(inner, scalars[0], ignore);
          Value safe = inner.select(counted, scalars[0],
                                    inner.integer(scalars[0].getType(), 0));
          PartOfIds::Row row = part.find(inner, safe);
          if (row.isOwn)
            counted = arith::AndIOp::create(inner.builder, inner.loc, counted,
                                            row.isOwn);
          Value found =
              tensor::ExtractOp::create(inner.builder, inner.loc, given,
                                        ValueRange{inner.index(0), row.index});
          found = inner.sub(inner.widenScalar(found), scalars[1]);
          return {inner.select(counted, found, inner.number(element, -0.0))};
        })[0];
    rewriter.replaceOp(op, {emitter.finish(sum, op.getSum().getType()),
                            emitter.finish(logit, op.getLogit().getType())});
    return success();
  }
};

struct LowerClassSumsGrad : OpRewritePattern<ClassSumsGradOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ClassSumsGradOp op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op.getLoc());
    Value logits = emitter.rows(emitter.widen(op.getLogits()));
    Value shift = emitter.flat(emitter.widen(op.getShift()));
    Value dsum = emitter.flat(emitter.widen(op.getDsum()));
    Value dlogit = emitter.flat(emitter.widen(op.getDlogit()));
    const PartOfIds part(op.getNumbers(), op.getCount(), shapeOf(logits)[1]);
    // A target that is ignored is no class, unless it is one of them.
    const int64_t ignore = op.getIgnoreIndex();
    Value targets = checkIds(emitter, op, emitter.flat(op.getTargets()),
                             part.getCount(), ignore);
    Type element = elementOf(logits), id = elementOf(targets);
    Value result = emitter.generic(
        2, {},
        {{logits, {0, 1}},
         {shift, {0}},
         {dsum, {0}},
         {dlogit, {0}},
         {targets, {0}}},
        {{emitter.empty(shapeOf(logits), element), {0, 1}}},
        [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          Value p = inner.mul(scalars[2],
                              inner.exp(inner.sub(scalars[0], scalars[1])));
          p = orPadding(inner, part, id, p, 0);
          Value isTarget = arith::CmpIOp::create(
              inner.builder, inner.loc, arith::CmpIPredicate::eq,
              part.idOf(inner, inner.index(1), id), scalars[4]);
          isTarget = arith::AndIOp::create(inner.builder, inner.loc, isTarget,
                                           counts(inner, scalars[4], ignore));
          return {inner.select(isTarget, inner.add(p, scalars[3]), p)};
        })[0];
    rewriter.replaceOp(op, emitter.finish(result, op.getType()));
    return success();
  }
};
} // namespace

void pp::populateLossPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerCrossEntropy, LowerCrossEntropyGrad, LowerClassMax,
               LowerClassSums, LowerClassSumsGrad>(patterns.getContext());
}
