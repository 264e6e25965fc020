//===- PPAnnotateTimes.cpp - Predicted times of rank programs -------------===//

#include "pp/Dialect/PP/Analysis/Plan.h"
#include "pp/Dialect/PP/Analysis/Times.h"
#include "pp/Dialect/PP/Annotate/Passes.h"

namespace pp {
#define GEN_PASS_DEF_PPANNOTATETIMES
#include "pp/Dialect/PP/Annotate/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;

/// The schedule of the module in the terms of the schedule library.
static FailureOr<schedule::Schedule> readSchedule(ScheduleOp op) {
  schedule::Schedule result;
  result.name = op.getName().str();
  result.stages = op.getPlacement().size();
  result.microbatches = op.getMicrobatches();
  result.placement.assign(op.getPlacement().begin(), op.getPlacement().end());
  for (Attribute text : op.getRows()) {
    auto row = schedule::parseRow(cast<StringAttr>(text).getValue());
    if (!row) {
      op.emitOpError(row.error());
      return failure();
    }
    result.ranks.push_back(std::move(*row));
  }
  return result;
}

namespace {
struct AnnotateTimes : pp::impl::PPAnnotateTimesBase<AnnotateTimes> {
  using PPAnnotateTimesBase::PPAnnotateTimesBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto schedules = module.getOps<ScheduleOp>();
    if (schedules.empty()) {
      module.emitError("found no pp.schedule, expected one; run pp-schedule");
      return signalPassFailure();
    }
    ScheduleOp op = *schedules.begin();
    FailureOr<schedule::Schedule> plan = readSchedule(op);
    if (failed(plan))
      return signalPassFailure();

    FailureOr<Times> times =
        Times::get(module, {{flops, bandwidth}, transfer, profile});
    if (failed(times))
      return signalPassFailure();
    schedule::Costs costs =
        times->costsOf(SmallVector<StageOp>(module.getOps<StageOp>()));
    auto timeline = schedule::simulate(*plan, costs);
    if (!timeline) {
      op.emitOpError(timeline.error());
      return signalPassFailure();
    }
    Builder builder(&getContext());
    auto entry = [&](StringRef name, const std::vector<double> &seconds) {
      return builder.getNamedAttr(name, builder.getDenseF64ArrayAttr(seconds));
    };
    op->setAttr(attr::kTimes,
                builder.getDictionaryAttr(
                    {entry("forward", costs.forward),
                     entry("input_gradient", costs.inputGradient),
                     entry("weight_gradient", costs.weightGradient),
                     entry("transfer", costs.forwardTransfer)}));
    for (ProgramOp program : module.getOps<ProgramOp>()) {
      uint64_t pipe = program.getPipe();
      if (pipe >= timeline->busy.size()) {
        program.emitOpError("found pipe coordinate ")
            << pipe << ", expected one of the " << timeline->busy.size()
            << " pipe coordinates of the schedule";
        return signalPassFailure();
      }
      program->setAttr(
          attr::kPredicted,
          builder.getDictionaryAttr(
              {builder.getNamedAttr(
                   "makespan", builder.getF64FloatAttr(timeline->makespan)),
               builder.getNamedAttr(
                   "busy", builder.getF64FloatAttr(timeline->busy[pipe])),
               builder.getNamedAttr("bubble", builder.getF64FloatAttr(
                                                  timeline->bubble[pipe]))}));
    }
  }
};
} // namespace
