//===- Attention.cpp - Attention, its adjoint, rotary positions -----------===//
//
// f32 and bf16 go to the kernels of the runtime, as matrices of
// positions by heads, so that queries, keys and values may be slices of one
// matrix. f64 becomes loops with all the scores, over b (batch), g (key heads),
// r (queries of a key head), t, s (positions) and d.
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "Patterns.h"

#include "pp/Dialect/Kernel/IR/KernelOps.h"
#include "pp/Dialect/NN/IR/NNOps.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace pp;
using namespace pp::nn;

/// [B, T, H, D] as [B T, H D].
static Value headRows(Emitter &emitter, Value value) {
  ArrayRef<int64_t> shape = shapeOf(value);
  return emitter.reshape(value, {shape[0] * shape[1], shape[2] * shape[3]});
}

/// [B, S] as [B S]; null as it is.
static Value documentRow(Emitter &emitter, Value documents) {
  if (!documents)
    return {};
  ArrayRef<int64_t> shape = shapeOf(documents);
  return emitter.reshape(documents, {shape[0] * shape[1]});
}

namespace {
/// Attention as loops of generics.
struct Loops {
  enum : int64_t { B, G, R, T, S, D, Count };

  template <typename OpTy>
  Loops(Emitter &emitter, OpTy op)
      : emitter(emitter), batch(op.getBatch()), groups(op.getKeyHeads()),
        heads(op.getHeads() / groups), queries(op.getQueryLength()),
        keys(op.getKeyLength()), size(op.getHeadSize()),
        scale(op.getEffectiveScale()), causal(op.getCausal()),
        documents(op.getDocuments()), element(elementOf(op.getQuery())) {
    query = {queryShaped(op.getQuery()), {B, T, G, R, D}};
    key = {op.getKey(), {B, S, G, D}};
    value = {op.getValue(), {B, S, G, D}};
  }

  Value queryShaped(Value x) {
    return emitter.reshape(x, {batch, queries, groups, heads, size});
  }
  SmallVector<int64_t> scoreShape() {
    return {batch, groups, heads, queries, keys};
  }
  SmallVector<int64_t> rowShape() { return {batch, groups, heads, queries}; }

  /// Sum of products over the loops that `dims` lacks.
  Value contract(Input a, Input b, ArrayRef<int64_t> shape,
                 SmallVector<int64_t> dims) {
    // The loops that are needed, in order, the reduced ones last but before
    // the last dimension of the result, which is then the innermost.
    SmallVector<int64_t> order;
    for (int64_t dim : llvm::ArrayRef<int64_t>(dims).drop_back())
      order.push_back(dim);
    SmallVector<int64_t> reduced;
    for (int64_t dim = 0; dim < Count; ++dim)
      if (!llvm::is_contained(dims, dim) && (llvm::is_contained(a.dims, dim) ||
                                             llvm::is_contained(b.dims, dim))) {
        reduced.push_back(order.size());
        order.push_back(dim);
      }
    order.push_back(dims.back());
    auto renumbered = [&](SmallVector<int64_t> list) {
      for (int64_t &dim : list)
        dim = llvm::find(order, dim) - order.begin();
      return list;
    };
    return emitter.generic(
        order.size(), reduced,
        {{a.tensor, renumbered(a.dims)}, {b.tensor, renumbered(b.dims)}},
        {{emitter.filled(shape, element, 0), renumbered(dims)}},
        [](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          return {
              inner.accumulate(scalars[2], inner.mul(scalars[0], scalars[1]))};
        })[0];
  }

  /// body(score or -infinity where masked, inputs...) over [B, G, R, T, S].
  Value overScores(ArrayRef<Value> scoreInputs, ArrayRef<Value> rowInputs,
                   Emitter::Body body) {
    SmallVector<Input> inputs;
    for (Value input : scoreInputs)
      inputs.push_back({input, {0, 1, 2, 3, 4}});
    for (Value input : rowInputs)
      inputs.push_back({input, {0, 1, 2, 3}});
    return emitter.generic(
        5, {}, inputs,
        {{emitter.empty(scoreShape(), element), {0, 1, 2, 3, 4}}}, body)[0];
  }

  Value scores() {
    Value products = contract(query, key, scoreShape(), {B, G, R, T, S});
    Value scores = overScores(
        products, {},
        [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          Value score = inner.mul(scalars[0], inner.number(element, scale));
          if (!causal)
            return {score};
          Value limit = arith::AddIOp::create(
              inner.builder, inner.loc, inner.index(3),
              inner.integer(inner.builder.getIndexType(), keys - queries));
          Value visible = arith::CmpIOp::create(inner.builder, inner.loc,
                                                arith::CmpIPredicate::sle,
                                                inner.index(4), limit);
          return {inner.select(
              visible, score,
              inner.number(element, -std::numeric_limits<double>::infinity()))};
        });
    if (!documents)
      return scores;
    // Of queries and of keys: as many, of the same positions.
    return emitter.generic(
        5, {},
        {{scores, {0, 1, 2, 3, 4}}, {documents, {0, 3}}, {documents, {0, 4}}},
        {{emitter.empty(scoreShape(), element), {0, 1, 2, 3, 4}}},
        [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          Value isSame = arith::CmpIOp::create(inner.builder, inner.loc,
                                               arith::CmpIPredicate::eq,
                                               scalars[1], scalars[2]);
          return {inner.select(
              isSame, scalars[0],
              inner.number(element, -std::numeric_limits<double>::infinity()))};
        })[0];
  }

  Value reduceScores(Value input, double start, bool isMaximum) {
    return emitter.generic(
        5, {4}, {{input, {0, 1, 2, 3, 4}}},
        {{emitter.filled(rowShape(), element, start), {0, 1, 2, 3}}},
        [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          return {isMaximum ? inner.maximum(scalars[1], scalars[0])
                            : inner.accumulate(scalars[1], scalars[0])};
        })[0];
  }

  /// exp(score - row).
  Value powers(Value scores, Value row) {
    return overScores(
        scores, row,
        [](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          return {inner.exp(inner.sub(scalars[0], scalars[1]))};
        });
  }

  Emitter &emitter;
  int64_t batch, groups, heads, queries, keys, size;
  double scale;
  bool causal;
  Value documents; ///< may be null
  Type element;
  Input query, key, value;
};

struct LowerAttention : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AttentionOp op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op.getLoc());
    if (elementOf(op.getQuery()).isF64())
      return lowerToLoops(op, emitter, rewriter);
    Value q = headRows(emitter, op.getQuery());
    Value k = headRows(emitter, op.getKey());
    Value v = headRows(emitter, op.getValue());
    Value out = emitter.empty(shapeOf(q), elementOf(q));
    Value lse = emitter.empty(shapeOf(op.getLse()), elementOf(op.getLse()));
    auto call = kernel::AttentionOp::create(
        rewriter, op.getLoc(), ValueRange{out, lse, lse}.getTypes(), q, k, v,
        out, lse, /*workspace=*/lse, documentRow(emitter, op.getDocuments()),
        op.getBatch(), op.getHeads(), op.getKeyHeads(),
        APFloat(op.getEffectiveScale()), op.getCausal());
    emitter.addWorkspace(call);
    rewriter.replaceOp(
        op, {emitter.finish(call.getResult(0), op.getResult().getType()),
             emitter.finish(call.getResult(1), op.getLse().getType())});
    return success();
  }

  static LogicalResult lowerToLoops(AttentionOp op, Emitter &emitter,
                                    PatternRewriter &rewriter) {
    Loops loops(emitter, op);
    Value scores = loops.scores();
    Value top = loops.reduceScores(
        scores, -std::numeric_limits<double>::infinity(), true);
    Value sum = loops.reduceScores(loops.powers(scores, top), 0, false);
    SmallVector<int64_t> dims{0, 1, 2, 3};
    Value lse = emitter.generic(
        4, {}, {{top, dims}, {sum, dims}},
        {{emitter.empty(loops.rowShape(), loops.element), dims}},
        [](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          return {inner.add(scalars[0], inner.log(scalars[1]))};
        })[0];
    Input p{loops.powers(scores, lse),
            {Loops::B, Loops::G, Loops::R, Loops::T, Loops::S}};
    Value out = loops.contract(
        p, loops.value,
        {loops.batch, loops.queries, loops.groups, loops.heads, loops.size},
        {Loops::B, Loops::T, Loops::G, Loops::R, Loops::D});
    rewriter.replaceOp(op, {emitter.finish(out, op.getResult().getType()),
                            emitter.finish(lse, op.getLse().getType())});
    return success();
  }
};

struct LowerAttentionGrad : OpRewritePattern<AttentionGradOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AttentionGradOp op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op.getLoc());
    if (elementOf(op.getQuery()).isF64())
      return lowerToLoops(op, emitter, rewriter);
    Value q = headRows(emitter, op.getQuery());
    Value k = headRows(emitter, op.getKey());
    Value v = headRows(emitter, op.getValue());
    Value out = headRows(emitter, op.getOut());
    Value dout = headRows(emitter, op.getDout());
    Value lse = op.getLse();
    Value dq = emitter.empty(shapeOf(q), elementOf(q));
    Value dk = emitter.empty(shapeOf(k), elementOf(q));
    Value dv = emitter.empty(shapeOf(k), elementOf(q));
    auto call = kernel::AttentionGradOp::create(
        rewriter, op.getLoc(), ValueRange{dq, dk, dv, dv}.getTypes(), q, k, v,
        out, lse, dout, dq, dk, dv, /*workspace=*/dv,
        documentRow(emitter, op.getDocuments()), op.getBatch(), op.getHeads(),
        op.getKeyHeads(), APFloat(op.getEffectiveScale()), op.getCausal());
    emitter.addWorkspace(call);
    SmallVector<Value> results;
    for (auto [value, type] :
         llvm::zip(call.getResults().drop_back(), op->getResultTypes()))
      results.push_back(emitter.finish(value, type));
    rewriter.replaceOp(op, results);
    return success();
  }

  static LogicalResult lowerToLoops(AttentionGradOp op, Emitter &emitter,
                                    PatternRewriter &rewriter) {
    using L = Loops;
    Loops loops(emitter, op);
    SmallVector<int64_t> queryDims{L::B, L::T, L::G, L::R, L::D};
    SmallVector<int64_t> keyDims{L::B, L::S, L::G, L::D};
    SmallVector<int64_t> scoreDims{L::B, L::G, L::R, L::T, L::S};
    Input out{loops.queryShaped(op.getOut()), queryDims};
    Input dout{loops.queryShaped(op.getDout()), queryDims};
    Value lse = emitter.reshape(op.getLse(), loops.rowShape());
    Value p = loops.powers(loops.scores(), lse);
    Value dp = loops.contract(dout, loops.value, loops.scoreShape(), scoreDims);
    Value delta =
        loops.contract(dout, out, loops.rowShape(), {L::B, L::G, L::R, L::T});
    Value ds = loops.overScores(
        {p, dp}, delta,
        [&](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          Value d = inner.mul(scalars[0], inner.sub(scalars[1], scalars[2]));
          return {inner.mul(d, inner.number(loops.element, loops.scale))};
        });
    Value dq = loops.contract({ds, scoreDims}, loops.key,
                              shapeOf(loops.query.tensor), queryDims);
    Value dk = loops.contract({ds, scoreDims}, loops.query,
                              shapeOf(op.getKey()), keyDims);
    Value dv =
        loops.contract({p, scoreDims}, dout, shapeOf(op.getKey()), keyDims);
    rewriter.replaceOp(
        op, {emitter.reshape(dq, op.getResult(0).getType()), dk, dv});
    return success();
  }
};

/// Cosines and sines of all angles are constants: computed here in f64, they
/// are exact, and cost nothing when the program runs.
struct LowerRotary : OpRewritePattern<RotaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RotaryOp op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op.getLoc());
    Value input = op.getInput();
    ArrayRef<int64_t> shape = shapeOf(input);
    Type element = elementOf(input);
    int64_t positions = shape[1], half = shape[3] / 2;
    Type wide = emitter.widenType(element);
    Value cosines = table(emitter, op, positions, half, wide, false);
    Value sines = table(emitter, op, positions, half, wide, true);

    // The first and the second number of each pair.
    int64_t step = op.getInterleaved() ? 2 : 1;
    SmallVector<int64_t> sizes{shape[0], shape[1], shape[2], half};
    SmallVector<int64_t> strides{1, 1, 1, step};
    SmallVector<SmallVector<int64_t>> offsets{
        {0, 0, 0, 0}, {0, 0, 0, op.getInterleaved() ? 1 : half}};
    auto attrs = [&](ArrayRef<int64_t> values) {
      return getAsIndexOpFoldResult(rewriter.getContext(), values);
    };
    SmallVector<int64_t> all{0, 1, 2, 3};
    SmallVector<Input> inputs, inits;
    for (ArrayRef<int64_t> offset : offsets) {
      Value piece = tensor::ExtractSliceOp::create(
          rewriter, op.getLoc(), RankedTensorType::get(sizes, element), input,
          attrs(offset), attrs(sizes), attrs(strides));
      inputs.push_back({piece, all});
      inits.push_back({emitter.empty(sizes, element), all});
    }
    inputs.push_back({cosines, {1, 3}});
    inputs.push_back({sines, {1, 3}});
    SmallVector<Value> pieces = emitter.generic(
        4, {}, inputs, inits,
        [](Emitter &inner, ValueRange scalars) -> SmallVector<Value> {
          Value a = inner.widenScalar(scalars[0]);
          Value b = inner.widenScalar(scalars[1]);
          Value c = scalars[2], s = scalars[3];
          Value turned[] = {inner.sub(inner.mul(a, c), inner.mul(b, s)),
                            inner.add(inner.mul(b, c), inner.mul(a, s))};
          Type element = scalars[0].getType();
          return {inner.narrowScalar(turned[0], element),
                  inner.narrowScalar(turned[1], element)};
        });
    Value whole = emitter.empty(shape, element);
    for (auto [piece, offset] : llvm::zip(pieces, offsets))
      whole = tensor::InsertSliceOp::create(rewriter, op.getLoc(), piece, whole,
                                            attrs(offset), attrs(sizes),
                                            attrs(strides));
    rewriter.replaceOp(op, emitter.finish(whole, op.getType()));
    return success();
  }

  /// [T, D / 2] of cos or sin(t f), with f the frequency base^(-2 i / D) or
  /// what `scaling` makes of it; `inverse` turns back.
  static Value table(Emitter &emitter, RotaryOp op, int64_t positions,
                     int64_t half, Type element, bool sine) {
    double base = op.getBase().convertToDouble();
    SmallVector<double> frequencies, numbers;
    for (int64_t i = 0; i < half; ++i) {
      double frequency = std::pow(base, -static_cast<double>(i) / half);
      frequencies.push_back(op.getScaling() ? op.getScaling()->scale(frequency)
                                            : frequency);
    }
    numbers.reserve(positions * half);
    for (int64_t t = 0; t < positions; ++t)
      for (double frequency : frequencies) {
        double angle = t * frequency;
        numbers.push_back(!sine             ? std::cos(angle)
                          : op.getInverse() ? -std::sin(angle)
                                            : std::sin(angle));
      }
    // As one block: long sequences have millions of numbers.
    auto type = RankedTensorType::get({positions, half}, element);
    auto values = element.isF64()
                      ? DenseElementsAttr::get(type, ArrayRef<double>(numbers))
                      : DenseElementsAttr::get(
                            type, ArrayRef<float>(SmallVector<float>(
                                      numbers.begin(), numbers.end())));
    return arith::ConstantOp::create(emitter.builder, emitter.loc, values);
  }
};
} // namespace

void pp::populateAttentionPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerAttention, LowerAttentionGrad, LowerRotary>(
      patterns.getContext());
}
