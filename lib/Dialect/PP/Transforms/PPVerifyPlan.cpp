//===- PPVerifyPlan.cpp - Prove the plan of a module
//------------------------===//

#include "pp/Dialect/PP/Transforms/Passes.h"

#include "pp/Dialect/PP/Analysis/Plan.h"

namespace pp {
#define GEN_PASS_DEF_PPVERIFYPLAN
#include "pp/Dialect/PP/Transforms/Passes.h.inc"
} // namespace pp

namespace {
struct VerifyPlan : pp::impl::PPVerifyPlanBase<VerifyPlan> {
  void runOnOperation() override {
    mlir::FailureOr<pp::Plan> plan = pp::Plan::get(getOperation());
    if (failed(plan) || failed(plan->verify()))
      return signalPassFailure();
    markAllAnalysesPreserved();
  }
};
} // namespace
