//===- ApproximateMath.cpp - Polynomials for f32 --------------------------===//
//
// MLIR's approximations for what is common and good in them to a few ulp; our
// own functions for all others (docs/Rationale.md has the errors).
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/MathFunctions.h"
#include "pp/CodeGen/Passes.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace pp {
#define GEN_PASS_DEF_APPROXIMATEMATH
#include "pp/CodeGen/Passes.h.inc"
} // namespace pp

using namespace mlir;

namespace {
struct ApproximateMath : pp::impl::ApproximateMathBase<ApproximateMath> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateMathPolynomialApproximationPatterns(
        patterns, MathPolynomialApproximationOptions());
    if (failed(pp::expandMathFunctions(getOperation())) ||
        failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    // The one function that neither LLVM nor libm has.
    WalkResult walk = getOperation().walk([](math::IPowIOp op) {
      op.emitOpError("found on ")
          << op.getType()
          << ", for which there is no code; expected other ops in its place";
      return WalkResult::interrupt();
    });
    if (walk.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
