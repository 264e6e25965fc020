//===- NNDifferentiate.cpp - Differentiate all public functions ----------===//
//
// The engine of Differentiation.h as a pass over plain functions: what
// pp-differentiate does to a layer, without a model around it.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/NN/Transforms/Differentiation.h"
#include "pp/Dialect/NN/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinOps.h"

namespace pp::nn {
#define GEN_PASS_DEF_NNDIFFERENTIATE
#include "pp/Dialect/NN/Transforms/Passes.h.inc"
} // namespace pp::nn

using namespace mlir;
using namespace pp::nn;

namespace {
struct NNDifferentiate : pp::nn::impl::NNDifferentiateBase<NNDifferentiate> {
  void runOnOperation() override {
    SmallVector<func::FuncOp> functions;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.isPublic() && !function.isExternal())
        functions.push_back(function);
    for (func::FuncOp function : functions)
      if (failed(run(function)))
        return signalPassFailure();
  }

  LogicalResult run(func::FuncOp function) {
    DifferentiationRequest request;
    request.forwardName = (function.getName() + ".forward").str();
    request.backwardName = (function.getName() + ".backward").str();
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      bool accumulated = bool(function.getArgAttr(i, "nn.accumulate"));
      bool constant = bool(function.getArgAttr(i, "nn.constant"));
      request.accumulated.push_back(accumulated);
      request.wanted.push_back(!accumulated && !constant);
    }
    request.seeded.assign(function.getNumResults(), true);
    return differentiate(function, request);
  }
};
} // namespace
