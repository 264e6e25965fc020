//===- GPUExpandMath.cpp - Transcendental functions as arithmetic ---------===//

#include "Remainder.h"

#include "pp/CodeGen/GPU/Passes.h"

#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace pp {
#define GEN_PASS_DEF_GPUEXPANDMATH
#include "pp/CodeGen/GPU/Passes.h.inc"
} // namespace pp

using namespace mlir;

namespace {
/// log10(x) = log(x) / log(10).
struct ExpandLog10 : OpRewritePattern<math::Log10Op> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::Log10Op op,
                                PatternRewriter &rewriter) const override {
    Value log = math::LogOp::create(rewriter, op.getLoc(), op.getOperand());
    Value factor = arith::ConstantOp::create(
        rewriter, op.getLoc(),
        rewriter.getFloatAttr(op.getType(), 0.43429448190325182765));
    rewriter.replaceOpWithNewOp<arith::MulFOp>(op, log, factor);
    return success();
  }
};

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

/// True for what is an instruction or a few on any device.
static bool isInstruction(Operation *op) {
  return isa<math::AbsFOp, math::CeilOp, math::CopySignOp, math::FloorOp,
             math::FmaOp, math::RoundOp, math::RoundEvenOp, math::SqrtOp,
             math::TruncOp>(op);
}

struct GPUExpandMath : pp::impl::GPUExpandMathBase<GPUExpandMath> {
  void runOnOperation() override {
    RewritePatternSet formulas(&getContext());
    math::populateExpansionPatterns(formulas, {"sinh", "cosh", "tan", "asinh",
                                               "acosh", "atanh", "powf",
                                               "fpowi", "exp2", "rsqrt"});
    formulas.add<ExpandLog10,
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
    if (failed(applyPatternsGreedily(getOperation(), std::move(formulas))) ||
        failed(applyPatternsGreedily(getOperation(), std::move(polynomials))))
      return signalPassFailure();
    WalkResult walk = getOperation().walk([](gpu::GPUFuncOp kernel) {
      return kernel.walk([](Operation *op) {
        if (!isa_and_nonnull<math::MathDialect>(op->getDialect()) ||
            isInstruction(op))
          return WalkResult::advance();
        op->emitOpError("found on ")
            << op->getResult(0).getType()
            << " in a kernel for a GPU, which has no code for it; expected "
               "f32, cast the operand";
        return WalkResult::interrupt();
      });
    });
    if (walk.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
