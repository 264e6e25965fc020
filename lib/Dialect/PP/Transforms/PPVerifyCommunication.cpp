//===- PPVerifyCommunication.cpp - Prove that all programs end ------------===//

#include "pp/Dialect/PP/Transforms/Passes.h"

#include "pp/Dialect/PP/Analysis/Communication.h"

namespace pp {
#define GEN_PASS_DEF_PPVERIFYCOMMUNICATION
#include "pp/Dialect/PP/Transforms/Passes.h.inc"
} // namespace pp

namespace {
struct VerifyCommunication
    : pp::impl::PPVerifyCommunicationBase<VerifyCommunication> {
  using PPVerifyCommunicationBase::PPVerifyCommunicationBase;

  void runOnOperation() override {
    auto parsed = pp::readSemantics(getOperation(), semantics);
    if (failed(parsed))
      return signalPassFailure();
    markAllAnalysesPreserved();
    auto known = getCachedAnalysis<pp::CommunicationProofs>();
    if (known && llvm::is_contained(known->get().semantics, *parsed))
      return;
    if (failed(pp::verifyCommunication(getOperation(), *parsed)))
      signalPassFailure();
  }
};
} // namespace
