//===- FuseElementwise.cpp - Elementwise producers into consumers ---------===//
//
// A producer with one use is computed where it is used, in registers. One with
// several uses is left: fusing it would compute it again.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/Passes.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace pp {
#define GEN_PASS_DEF_FUSEELEMENTWISE
#include "pp/CodeGen/Passes.h.inc"
} // namespace pp

using namespace mlir;

/// Whether the producer of `operand` is better computed at its use.
static bool isWorthFusing(OpOperand *operand) {
  Operation *producer = operand->get().getDefiningOp();
  if (!producer || !operand->get().hasOneUse())
    return false;
  auto generic = dyn_cast<linalg::GenericOp>(operand->getOwner());
  if (!generic)
    return true;
  // A value that the consumer reads several times (as a reduced dimension
  // passes over it) would be computed as often.
  AffineMap map = generic.getMatchingIndexingMap(operand);
  return map.getNumResults() == map.getNumDims();
}

namespace {
struct FuseElementwise : pp::impl::FuseElementwiseBase<FuseElementwise> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    linalg::populateElementwiseOpsFusionPatterns(patterns, isWorthFusing);
    linalg::populateEraseUnusedOperandsAndResultsPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
