//===- GPUExpandMath.cpp - Transcendental functions as arithmetic ---------===//

#include "Remainder.h"

#include "pp/CodeGen/GPU/Passes.h"
#include "pp/CodeGen/MathFunctions.h"

#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace pp {
#define GEN_PASS_DEF_GPUEXPANDMATH
#include "pp/CodeGen/GPU/Passes.h.inc"
} // namespace pp

using namespace mlir;

namespace {
/// The conversion to NVVM knows no functions of integers, and no truncation.
template <typename OpTy, typename IntrinsicTy>
struct ReplaceByIntrinsic : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!op->template getParentOfType<gpu::GPUFuncOp>())
      return failure();
    if constexpr (std::is_same_v<OpTy, math::CtPopOp> ||
                  std::is_same_v<OpTy, math::TruncOp>)
      rewriter.replaceOpWithNewOp<IntrinsicTy>(op, op.getType(),
                                               op.getOperand());
    else
      rewriter.replaceOpWithNewOp<IntrinsicTy>(
          op, op.getType(), op.getOperand(), /*is_zero_poison=*/false);
    return success();
  }
};

struct ExpandAbsI : OpRewritePattern<math::AbsIOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::AbsIOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value x = op.getOperand();
    Value zero = arith::ConstantOp::create(rewriter, loc,
                                           rewriter.getZeroAttr(x.getType()));
    Value minus = arith::SubIOp::create(rewriter, loc, zero, x);
    rewriter.replaceOpWithNewOp<arith::MaxSIOp>(op, x, minus);
    return success();
  }
};

/// True for what is an instruction or a few on any device.
static bool isInstruction(Operation *op) {
  return isa<math::AbsFOp, math::CeilOp, math::CopySignOp, math::FloorOp,
             math::FmaOp, math::RoundOp, math::RoundEvenOp, math::SqrtOp,
             math::TruncOp>(op);
}

struct GPUExpandMath : pp::impl::GPUExpandMathBase<GPUExpandMath> {
  void runOnOperation() override {
    RewritePatternSet formulas(&getContext());
    math::populateExpansionPatterns(formulas, {"rsqrt"});
    formulas.add<ExpandAbsI,
                 ReplaceByIntrinsic<math::CountTrailingZerosOp,
                                    LLVM::CountTrailingZerosOp>,
                 ReplaceByIntrinsic<math::CountLeadingZerosOp,
                                    LLVM::CountLeadingZerosOp>,
                 ReplaceByIntrinsic<math::CtPopOp, LLVM::CtPopOp>,
                 ReplaceByIntrinsic<math::TruncOp, LLVM::FTruncOp>>(
        &getContext());
    pp::device::populateRemainderPatterns(formulas);
    RewritePatternSet polynomials(&getContext());
    populateMathPolynomialApproximationPatterns(
        polynomials, MathPolynomialApproximationOptions());
    if (failed(pp::expandMathFunctions(getOperation())) ||
        failed(applyPatternsGreedily(getOperation(), std::move(formulas))) ||
        failed(applyPatternsGreedily(getOperation(), std::move(polynomials))))
      return signalPassFailure();
    WalkResult walk = getOperation().walk([](gpu::GPUFuncOp kernel) {
      return kernel.walk([](Operation *op) {
        if (!isa_and_nonnull<math::MathDialect>(op->getDialect()) ||
            isInstruction(op))
          return WalkResult::advance();
        Type type = op->getOperand(0).getType();
        op->emitOpError("found on ")
            << type << " in a kernel for a GPU, which has no code for it; "
            << (isa<FloatType>(type) ? "expected f32, cast the operand"
                                     : "expected other ops in its place");
        return WalkResult::interrupt();
      });
    });
    if (walk.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
