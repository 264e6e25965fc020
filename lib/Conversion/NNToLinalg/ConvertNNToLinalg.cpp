//===- ConvertNNToLinalg.cpp - nn ops to linalg and kernel ----------------===//
//
// A conversion, not a greedy rewrite: an op of nn or comm that no pattern takes
// is an error here, not a surprise later.
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "pp/Conversion/Passes.h"
#include "pp/Dialect/Comm/IR/CommDialect.h"
#include "pp/Dialect/NN/IR/NNDialect.h"

#include "mlir/Transforms/DialectConversion.h"

namespace pp {
#define GEN_PASS_DEF_CONVERTNNTOLINALG
#include "pp/Conversion/Passes.h.inc"
} // namespace pp

using namespace mlir;

namespace {
struct ConvertNNToLinalg : pp::impl::ConvertNNToLinalgBase<ConvertNNToLinalg> {
  using ConvertNNToLinalgBase::ConvertNNToLinalgBase;

  /// arith and math on tensors, but not their constants.
  static bool isOnTensors(Operation *op) {
    return OpTrait::hasElementwiseMappableTraits(op) &&
           llvm::any_of(op->getResultTypes(), llvm::IsaPred<TensorType>);
  }

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    pp::populateElementwisePatterns(patterns);
    pp::populateUpstreamFunctionPatterns(patterns);
    pp::populateReductionPatterns(patterns, parallel);
    pp::populateNormalizationPatterns(patterns);
    pp::populateShapePatterns(patterns);
    pp::populateLinearAlgebraPatterns(patterns);
    pp::populateEmbeddingPatterns(patterns, parallel);
    pp::populateCollectivePatterns(patterns);
    pp::populateLossPatterns(patterns);
    pp::populateAttentionPatterns(patterns);
    pp::populateRandomPatterns(patterns, parallel);

    ConversionTarget target(getContext());
    target.markUnknownOpDynamicallyLegal([](Operation *op) {
      if (isa_and_nonnull<pp::nn::NNDialect, pp::comm::CommDialect>(
              op->getDialect()))
        return false;
      return !isOnTensors(op);
    });
    // Patterns make one result of each.
    WalkResult walk = getOperation().walk([&](Operation *op) {
      if (op->getNumResults() < 2 || !isOnTensors(op))
        return WalkResult::advance();
      op->emitOpError("found on tensors with ")
          << op->getNumResults()
          << " results, for which there is no code; expected ops with one "
             "result in its place";
      return WalkResult::interrupt();
    });
    if (walk.wasInterrupted())
      return signalPassFailure();
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns))))
      return signalPassFailure();
    dropDistributions(getOperation());
  }

  /// They are of tensors, and proven.
  static void dropDistributions(func::FuncOp function) {
    StringRef name = pp::comm::CommDialect::getDistributionName();
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      function.removeArgAttr(i, name);
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      function.removeResultAttr(i,
                                StringAttr::get(function.getContext(), name));
    function.walk([&](Operation *op) { op->removeDiscardableAttr(name); });
  }
};
} // namespace
