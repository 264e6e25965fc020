//===- NNToLinalg.cpp - nn ops to linalg and kernel -----------------------===//
//
// A conversion, not a greedy rewrite: an op of nn that no pattern takes is an
// error here, not a surprise later.
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "pp/Conversion/Passes.h"
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

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    pp::populateElementwisePatterns(patterns);
    pp::populateUpstreamFunctionPatterns(patterns);
    pp::populateReductionPatterns(patterns);
    pp::populateNormalizationPatterns(patterns);
    pp::populateShapePatterns(patterns);
    pp::populateLinearAlgebraPatterns(patterns);
    pp::populateEmbeddingPatterns(patterns, parallel);
    pp::populateLossPatterns(patterns);
    pp::populateAttentionPatterns(patterns);
    pp::populateRandomPatterns(patterns, parallel);

    ConversionTarget target(getContext());
    target.markUnknownOpDynamicallyLegal([](Operation *op) {
      if (isa_and_nonnull<pp::nn::NNDialect>(op->getDialect()))
        return false;
      // arith and math on tensors, but not their constants.
      return !OpTrait::hasElementwiseMappableTraits(op) ||
             llvm::none_of(op->getResultTypes(), llvm::IsaPred<TensorType>);
    });
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
