//===- CommCanonicalization.cpp - Collectives that are none ---------------===//
//
// An axis of size 1 has one coordinate: on it nothing moves, and all
// distributions are one. Of two steps in a row only those are merged that
// neither change a sum's order nor a gradient: reductions stay as written.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/Comm/IR/CommOps.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace pp;
using namespace pp::comm;

namespace {

/// Drops axes of size 1; an op over no other is its operand.
template <typename Op> struct DropUnitAxes : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    MeshOpInterface mesh = findMesh(op);
    if (!mesh)
      return failure();
    SmallVector<Attribute> kept;
    for (auto axis : op.getAxes().template getAsRange<StringAttr>())
      if (mesh.getSize(axis) != 1)
        kept.push_back(axis);
    if (kept.size() == op.getAxes().size())
      return failure();
    if (kept.empty())
      rewriter.replaceOp(op, op.getInput());
    else
      rewriter.modifyOpInPlace(
          op, [&] { op.setAxesAttr(rewriter.getArrayAttr(kept)); });
    return success();
  }
};

/// vary over a (vary over b) is vary over both. Over one axis twice it is an
/// error, which stays to be found: its adjoint would sum twice.
struct MergeVary : OpRewritePattern<VaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(VaryOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getInput().getDefiningOp<VaryOp>();
    MeshOpInterface mesh = findMesh(op);
    if (!inner || !mesh || llvm::any_of(inner.getAxes(), [&](Attribute axis) {
          return llvm::is_contained(op.getAxes(), axis);
        }))
      return failure();
    SmallVector<Attribute> axes(inner.getAxes().getValue());
    llvm::append_range(axes, op.getAxes());
    llvm::sort(axes, [&](Attribute a, Attribute b) {
      return mesh.findAxis(cast<StringAttr>(a)) <
             mesh.findAxis(cast<StringAttr>(b));
    });
    rewriter.replaceOpWithNewOp<VaryOp>(op, inner.getInput(),
                                        rewriter.getArrayAttr(axes));
    return success();
  }
};

/// Over one axis that is permuted by 0 (mod n), or there and back.
struct MergePermute : OpRewritePattern<PermuteOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PermuteOp op,
                                PatternRewriter &rewriter) const override {
    int64_t by = op.getBy();
    if (by == 0) {
      rewriter.replaceOp(op, op.getInput());
      return success();
    }
    auto inner = op.getInput().getDefiningOp<PermuteOp>();
    MeshOpInterface mesh = findMesh(op);
    if (!inner || !mesh || inner.getAxes() != op.getAxes())
      return failure();
    int64_t group = mesh.getGroupSize(op.getAxes()).value_or(1);
    int64_t sum = (by + static_cast<int64_t>(inner.getBy())) % group;
    rewriter.replaceOpWithNewOp<PermuteOp>(op, inner.getInput(), op.getAxes(),
                                           sum);
    return success();
  }
};

/// A step and the step back: what is gathered and cut again, or cut and
/// gathered again, along the same dimension, was there before. Both are steps
/// between I and V(dim), whose adjoints undo one another too.
struct UndoSlice : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SliceOp op,
                                PatternRewriter &rewriter) const override {
    auto gather = op.getInput().getDefiningOp<AllGatherOp>();
    if (!gather || !gather.getInvariant() || gather.getAxes() != op.getAxes() ||
        gather.getDim() != op.getDim())
      return failure();
    rewriter.replaceOp(op, gather.getInput());
    return success();
  }
};
struct UndoGather : OpRewritePattern<AllGatherOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AllGatherOp op,
                                PatternRewriter &rewriter) const override {
    auto slice = op.getInput().getDefiningOp<SliceOp>();
    if (!slice || !op.getInvariant() || slice.getAxes() != op.getAxes() ||
        slice.getDim() != op.getDim())
      return failure();
    rewriter.replaceOp(op, slice.getInput());
    return success();
  }
};

/// An exchange of dimensions and the exchange back.
struct UndoAllToAll : OpRewritePattern<AllToAllOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AllToAllOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getInput().getDefiningOp<AllToAllOp>();
    if (!inner || inner.getAxes() != op.getAxes() ||
        inner.getSplit() != op.getConcat() ||
        inner.getConcat() != op.getSplit())
      return failure();
    rewriter.replaceOp(op, inner.getInput());
    return success();
  }
};

} // namespace

void AllReduceOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<DropUnitAxes<AllReduceOp>>(context);
}
void AllGatherOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<DropUnitAxes<AllGatherOp>, UndoGather>(context);
}
void ReduceScatterOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                                  MLIRContext *context) {
  patterns.add<DropUnitAxes<ReduceScatterOp>>(context);
}
void AllToAllOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                             MLIRContext *context) {
  patterns.add<DropUnitAxes<AllToAllOp>, UndoAllToAll>(context);
}
void PermuteOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                            MLIRContext *context) {
  patterns.add<DropUnitAxes<PermuteOp>, MergePermute>(context);
}
void VaryOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                         MLIRContext *context) {
  patterns.add<DropUnitAxes<VaryOp>, MergeVary>(context);
}
void SliceOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                          MLIRContext *context) {
  patterns.add<DropUnitAxes<SliceOp>, UndoSlice>(context);
}
