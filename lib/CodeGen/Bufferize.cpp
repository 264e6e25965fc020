//===- Bufferize.cpp - Tensors to memrefs ---------------------------------===//
//
// The analysis starts at the ends of functions, where values are bound to the
// caller's buffers: these are the ones that must be in place.
//
// Upstream visits functions in the order of their addresses in memory, and
// numbers the constants that it meets. They are numbered again, so that the
// same module becomes the same text.
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

/// Names and sorts the globals that are not in `known` by their first use.
static void sortConstants(ModuleOp module,
                          const llvm::SmallPtrSetImpl<Operation *> &known) {
  SymbolTable symbols(module);
  llvm::SetVector<Operation *> constants;
  SmallVector<std::pair<memref::GetGlobalOp, memref::GlobalOp>> uses;
  module.walk([&](memref::GetGlobalOp use) {
    auto constant = symbols.lookup<memref::GlobalOp>(use.getName());
    if (!constant || known.contains(constant))
      return;
    constants.insert(constant);
    uses.emplace_back(use, constant);
  });
  for (Operation *constant : constants) {
    symbols.remove(constant);
    constant->remove();
  }
  for (Operation *constant : llvm::reverse(constants))
    module.getBody()->push_front(constant);
  for (Operation *constant : constants) {
    SymbolTable::setSymbolName(constant, "constant");
    symbols.insert(constant);
  }
  for (auto &[use, constant] : uses)
    use.setName(constant.getSymName());
}

/// An error for an op on tensors that nothing makes into code.
static LogicalResult verifyBufferizable(ModuleOp module,
                                        const BufferizationOptions &options) {
  WalkResult walk = module.walk([&](Operation *op) {
    auto isTensor = llvm::IsaPred<TensorType>;
    if ((llvm::none_of(op->getOperandTypes(), isTensor) &&
         llvm::none_of(op->getResultTypes(), isTensor)) ||
        options.dynCastBufferizableOp(op))
      return WalkResult::advance();
    op->emitOpError("found on tensors, for which there is no code; expected "
                    "ops of nn, arith or math in its place");
    return WalkResult::interrupt();
  });
  return failure(walk.wasInterrupted());
}

namespace {
struct Bufferize : pp::impl::BufferizeBase<Bufferize> {
  void runOnOperation() override {
    OneShotBufferizationOptions options;
    options.bufferizeFunctionBoundaries = true;
    options.setFunctionBoundaryTypeConversion(
        LayoutMapOption::IdentityLayoutMap);
    options.analysisHeuristic =
        OneShotBufferizationOptions::AnalysisHeuristic::BottomUpFromTerminators;
    options.memCpyFn = [](OpBuilder &builder, Location loc, Value from,
                          Value to) -> LogicalResult {
      if (from != to)
        linalg::CopyOp::create(builder, loc, from, to);
      return success();
    };
    llvm::SmallPtrSet<Operation *, 8> known;
    for (auto global : getOperation().getOps<memref::GlobalOp>())
      known.insert(global);
    BufferizationState state;
    if (failed(verifyBufferizable(getOperation(), options)) ||
        failed(runOneShotModuleBufferize(getOperation(), options, state)))
      return signalPassFailure();
    removeBufferizationAttributesInModule(getOperation());
    sortConstants(getOperation(), known);
  }
};
} // namespace
