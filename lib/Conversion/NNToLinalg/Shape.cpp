//===- Shape.cpp - Views and copies ---------------------------------------===//
//
// Reshapes and slices are views. What cuts or joins the last dimension does so
// on rows, next to the loops over rows that use it, so that the views between
// cancel. A transposition that moves memory is a copy.
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "Patterns.h"

#include "pp/Dialect/NN/IR/NNOps.h"

using namespace mlir;
using namespace pp;
using namespace pp::nn;

static SmallVector<OpFoldResult> indices(Emitter &emitter,
                                         ArrayRef<int64_t> values) {
  return getAsIndexOpFoldResult(emitter.builder.getContext(), values);
}

static Value slice(Emitter &emitter, Value input, ArrayRef<int64_t> offsets,
                   ArrayRef<int64_t> sizes, ArrayRef<int64_t> strides) {
  auto type = RankedTensorType::get(sizes, elementOf(input));
  return tensor::ExtractSliceOp::create(
      emitter.builder, emitter.loc, type, input, indices(emitter, offsets),
      indices(emitter, sizes), indices(emitter, strides));
}

static Value insert(Emitter &emitter, Value piece, Value whole,
                    ArrayRef<int64_t> offsets, ArrayRef<int64_t> strides) {
  return tensor::InsertSliceOp::create(
      emitter.builder, emitter.loc, piece, whole, indices(emitter, offsets),
      indices(emitter, shapeOf(piece)), indices(emitter, strides));
}

static bool isLast(Value value, int64_t axis) {
  int64_t rank = shapeOf(value).size();
  return rank >= 2 && axis == rank - 1;
}

namespace {
struct LowerReshape : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op.getLoc());
    rewriter.replaceOp(op, emitter.reshape(op.getInput(), op.getType()));
    return success();
  }
};

struct LowerTranspose : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op.getLoc());
    ArrayRef<int64_t> shape = shapeOf(op.getInput());
    ArrayRef<int64_t> permutation = op.getPermutation();
    // Dimensions of size 1 may move freely.
    SmallVector<int64_t> moved;
    for (int64_t dim : permutation)
      if (shape[dim] != 1)
        moved.push_back(dim);
    if (llvm::is_sorted(moved)) {
      rewriter.replaceOp(op, emitter.reshape(op.getInput(), op.getType()));
      return success();
    }
    // Loops in the order of the result: loop i walks dimension permutation[i].
    SmallVector<int64_t> loopOf(shape.size());
    for (auto [i, dim] : llvm::enumerate(permutation))
      loopOf[dim] = i;
    SmallVector<int64_t> all =
        llvm::to_vector(llvm::seq<int64_t>(0, shape.size()));
    Value result = emitter.generic(
        shape.size(), {}, {{op.getInput(), loopOf}},
        {{emitter.empty(shapeOf(op.getResult()), elementOf(op.getInput())),
          all}},
        [](Emitter &, ValueRange scalars) -> SmallVector<Value> {
          return {scalars[0]};
        })[0];
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct LowerSlice : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SliceOp op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op.getLoc());
    Value input = op.getInput();
    SmallVector<int64_t> offsets(op.getOffsets()), sizes(op.getSizes()),
        strides(op.getStrides());
    int64_t rank = shapeOf(input).size();
    bool onlyLast = rank >= 2;
    for (int64_t dim = 0; dim + 1 < rank; ++dim)
      onlyLast &= sizes[dim] == shapeOf(input)[dim];
    if (onlyLast) {
      input = emitter.rows(input);
      offsets = {0, offsets.back()};
      sizes = {shapeOf(input)[0], sizes.back()};
      strides = {1, strides.back()};
    }
    Value result = slice(emitter, input, offsets, sizes, strides);
    // Kernels want contiguous rows. The elements are fetched one by one: what
    // yields its input as it is would be folded away.
    if (!strides.empty() && strides.back() != 1) {
      SmallVector<int64_t> dims =
          llvm::to_vector(llvm::seq<int64_t>(0, sizes.size()));
      result = emitter.generic(
          sizes.size(), {}, {},
          {{emitter.empty(sizes, elementOf(input)), dims}},
          [&](Emitter &inner, ValueRange) -> SmallVector<Value> {
            SmallVector<Value> at;
            for (int64_t dim : dims)
              at.push_back(inner.index(dim));
            return {tensor::ExtractOp::create(inner.builder, inner.loc, result,
                                              at)};
          })[0];
    }
    rewriter.replaceOp(op, emitter.reshape(result, op.getType()));
    return success();
  }
};

struct LowerPad : OpRewritePattern<PadOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PadOp op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op.getLoc());
    Value whole =
        emitter.filled(shapeOf(op.getResult()), elementOf(op.getInput()), 0);
    SmallVector<int64_t> strides;
    for (int64_t interior : op.getInterior())
      strides.push_back(interior + 1);
    rewriter.replaceOp(
        op, insert(emitter, op.getInput(), whole, op.getLow(), strides));
    return success();
  }
};

struct LowerConcatenate : OpRewritePattern<ConcatenateOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConcatenateOp op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op.getLoc());
    int64_t axis = op.getAxis();
    Value whole =
        emitter.empty(shapeOf(op.getResult()), elementOf(op.getResult()));
    SmallVector<Value> pieces(op.getInputs());
    if (isLast(op.getResult(), axis)) {
      axis = 1;
      whole = emitter.empty(shapeOf(emitter.rows(whole)), elementOf(whole));
      for (Value &piece : pieces)
        piece = emitter.rows(piece);
    }
    SmallVector<int64_t> offsets(shapeOf(whole).size(), 0);
    SmallVector<int64_t> ones(offsets.size(), 1);
    for (Value piece : pieces) {
      whole = insert(emitter, piece, whole, offsets, ones);
      offsets[axis] += shapeOf(piece)[axis];
    }
    rewriter.replaceOp(op, emitter.reshape(whole, op.getType()));
    return success();
  }
};

struct LowerSplit : OpRewritePattern<SplitOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SplitOp op,
                                PatternRewriter &rewriter) const override {
    Emitter emitter(rewriter, op.getLoc());
    int64_t axis = op.getAxis();
    Value input = op.getInput();
    if (isLast(input, axis)) {
      axis = 1;
      input = emitter.rows(input);
    }
    SmallVector<int64_t> offsets(shapeOf(input).size(), 0);
    SmallVector<int64_t> ones(offsets.size(), 1);
    SmallVector<int64_t> sizes(shapeOf(input));
    SmallVector<Value> pieces;
    for (auto [size, result] : llvm::zip(op.getSizes(), op.getPieces())) {
      sizes[axis] = size;
      Value piece = slice(emitter, input, offsets, sizes, ones);
      pieces.push_back(emitter.reshape(piece, result.getType()));
      offsets[axis] += size;
    }
    rewriter.replaceOp(op, pieces);
    return success();
  }
};
} // namespace

void pp::populateShapePatterns(RewritePatternSet &patterns) {
  patterns.add<LowerReshape, LowerTranspose, LowerSlice, LowerPad,
               LowerConcatenate, LowerSplit>(patterns.getContext());
}
