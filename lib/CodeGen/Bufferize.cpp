//===- Bufferize.cpp - Tensors to memrefs ---------------------------------===//
//
// The analysis starts at the ends of functions, where values are bound to the
// caller's buffers: these are the ones that must be in place.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/Passes.h"

#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"

namespace pp {
#define GEN_PASS_DEF_BUFFERIZE
#include "pp/CodeGen/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace mlir::bufferization;

namespace {
struct Bufferize : pp::impl::BufferizeBase<Bufferize> {
  void runOnOperation() override {
    OneShotBufferizationOptions options;
    options.bufferizeFunctionBoundaries = true;
    options.setFunctionBoundaryTypeConversion(
        LayoutMapOption::IdentityLayoutMap);
    options.analysisHeuristic = OneShotBufferizationOptions::
        AnalysisHeuristic::BottomUpFromTerminators;
    options.memCpyFn = [](OpBuilder &builder, Location loc, Value from,
                          Value to) -> LogicalResult {
      if (from != to)
        linalg::CopyOp::create(builder, loc, from, to);
      return success();
    };
    BufferizationState state;
    if (failed(runOneShotModuleBufferize(getOperation(), options, state)))
      return signalPassFailure();
    removeBufferizationAttributesInModule(getOperation());
  }
};
} // namespace
