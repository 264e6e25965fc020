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

/// An op that does nothing but convert a vector to a wider type.
static bool widensVector(Operation *op) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || generic.getNumLoops() != 1 ||
      generic.getNumParallelLoops() != 1 || generic->getNumResults() != 1)
    return false;
  Block *body = generic.getBody();
  auto conversion =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::ExtFOp>();
  return conversion && conversion->getNextNode() == body->getTerminator() &&
         &body->front() == conversion && isa<BlockArgument>(conversion.getIn());
}

/// Whether the producer of `operand` is better computed at its use.
static bool isWorthFusing(OpOperand *operand, bool conversions) {
  Operation *producer = operand->get().getDefiningOp();
  if (!producer)
    return false;
  if (conversions && widensVector(producer))
    return true;
  if (!operand->get().hasOneUse())
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
  using FuseElementwiseBase::FuseElementwiseBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    linalg::populateElementwiseOpsFusionPatterns(
        patterns, [&](OpOperand *operand) {
          return isWorthFusing(operand, conversions);
        });
    linalg::populateEraseUnusedOperandsAndResultsPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
