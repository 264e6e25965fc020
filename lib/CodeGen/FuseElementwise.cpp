//===- FuseElementwise.cpp - Elementwise producers into consumers ---------===//
//
// A producer with one use is computed where it is used, in registers. One with
// several uses is left: fusing it would compute it again. Kernels of a GPU wait
// for memory, not for arithmetic: for them a conversion to a wider type is
// always done where it is read, or rows of bf16 would be stored again as f32.
//
// A fused op is bounded. More streams than a processor can prefetch, or more
// values than it has registers, are no faster than two loops; and passes that
// visit an op as often as its body changes would take the square of its length.
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

/// Tensors that a fused op reads, and ops in its body.
static constexpr int64_t kMostInputs = 64;
static constexpr size_t kMostBodyOps = 512;

/// Whether both in one are still a loop of reasonable size.
static bool fitInOne(linalg::GenericOp producer, linalg::GenericOp consumer) {
  return producer.getNumDpsInputs() + consumer.getNumDpsInputs() <=
             kMostInputs + 1 &&
         producer.getBody()->getOperations().size() +
                 consumer.getBody()->getOperations().size() <=
             kMostBodyOps;
}

/// An op that does nothing but convert to a wider type.
static bool widens(Operation *op) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || generic.getNumLoops() == 0 ||
      generic.getNumParallelLoops() != generic.getNumLoops() ||
      generic->getNumResults() != 1)
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
  if (conversions && widens(producer))
    return true;
  if (!operand->get().hasOneUse())
    return false;
  auto generic = dyn_cast<linalg::GenericOp>(operand->getOwner());
  if (!generic)
    return true;
  if (auto other = dyn_cast<linalg::GenericOp>(producer);
      other && !fitInOne(other, generic))
    return false;
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
