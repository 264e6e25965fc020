//===- UpstreamFunctions.cpp - Functions of math by arithmetic ------------===//
//
// Some functions of upstream's math dialect have code on some processors only.
// What comparisons and integers can say is said by them, the same everywhere.
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace {
/// math.isnan, isinf, isfinite and isnormal as comparisons of the absolute
/// value, which are false for what is not a number.
template <typename OpTy> struct Classify : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    Value x = op.getOperand();
    auto type = dyn_cast<RankedTensorType>(x.getType());
    if (!type)
      return failure();
    Location loc = op.getLoc();
    const llvm::fltSemantics &semantics =
        cast<FloatType>(type.getElementType()).getFloatSemantics();
    auto compare = [&](arith::CmpFPredicate predicate, Value value,
                       const APFloat &number) -> Value {
      Value limit = arith::ConstantOp::create(
          rewriter, loc, DenseElementsAttr::get(type, number));
      return arith::CmpFOp::create(rewriter, loc, predicate, value, limit);
    };
    if constexpr (std::is_same_v<OpTy, math::IsNaNOp>) {
      rewriter.replaceOpWithNewOp<arith::CmpFOp>(op, arith::CmpFPredicate::UNO,
                                                 x, x);
      return success();
    }
    Value size = math::AbsFOp::create(rewriter, loc, x);
    const APFloat infinity = APFloat::getInf(semantics);
    if constexpr (std::is_same_v<OpTy, math::IsInfOp>) {
      rewriter.replaceOp(op,
                         compare(arith::CmpFPredicate::OEQ, size, infinity));
      return success();
    }
    Value isFinite = compare(arith::CmpFPredicate::OLT, size, infinity);
    if constexpr (std::is_same_v<OpTy, math::IsNormalOp>) {
      Value isLarge = compare(arith::CmpFPredicate::OGE, size,
                              APFloat::getSmallestNormalized(semantics));
      rewriter.replaceOpWithNewOp<arith::AndIOp>(op, isFinite, isLarge);
    } else {
      rewriter.replaceOp(op, isFinite);
    }
    return success();
  }
};

/// The smallest integer stays what it is, as in LLVM.
struct ExpandAbs : OpRewritePattern<math::AbsIOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::AbsIOp op,
                                PatternRewriter &rewriter) const override {
    auto type = dyn_cast<RankedTensorType>(op.getType());
    if (!type)
      return failure();
    Value zero = arith::ConstantOp::create(rewriter, op.getLoc(),
                                           rewriter.getZeroAttr(type));
    Value negative =
        arith::SubIOp::create(rewriter, op.getLoc(), zero, op.getOperand());
    rewriter.replaceOpWithNewOp<arith::MaxSIOp>(op, op.getOperand(), negative);
    return success();
  }
};
} // namespace

void pp::populateUpstreamFunctionPatterns(RewritePatternSet &patterns) {
  // Before what takes any op on tensors.
  patterns
      .add<Classify<math::IsNaNOp>, Classify<math::IsInfOp>,
           Classify<math::IsFiniteOp>, Classify<math::IsNormalOp>, ExpandAbs>(
          patterns.getContext(), /*benefit=*/2);
}
