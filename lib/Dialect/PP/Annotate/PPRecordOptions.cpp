//===- PPRecordOptions.cpp - What a plan is made with ---------------------===//

#include "ModelHash.h"
#include "pp/Dialect/PP/Annotate/Passes.h"
#include "pp/Dialect/PP/IR/PPOps.h"

namespace pp {
#define GEN_PASS_DEF_PPRECORDOPTIONS
#include "pp/Dialect/PP/Annotate/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;

namespace {
struct RecordOptions : pp::impl::PPRecordOptionsBase<RecordOptions> {
  using PPRecordOptionsBase::PPRecordOptionsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    MLIRContext *context = &getContext();
    if (!fingerprint.empty()) {
      module->setAttr(attr::kFingerprint,
                      StringAttr::get(context, fingerprint));
      module->setAttr(attr::kModelHash,
                      StringAttr::get(context, hashOfModel(module)));
    }
    if (partitionMemory || searchMemory)
      module->setAttr(attr::kDecision,
                      DecisionAttr::get(context, schedule, partitionMemory,
                                        searchMemory, searchAs));
  }
};
} // namespace
