//===- PPAnnotateTimes.cpp - Predicted times of rank programs -------------===//

#include "pp/Analysis/Cost.h"
#include "pp/Dialect/PP/Annotate/Passes.h"
#include "pp/Dialect/PP/IR/PPOps.h"
#include "pp/Schedule/Simulator.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"

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
  for (Attribute text : op.getRanks()) {
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

  double secondsOf(StageOp stage, FlatSymbolRefAttr name,
                   SymbolTableCollection &symbols) {
    if (!name)
      return 0;
    auto function = symbols.lookupNearestSymbolFrom<func::FuncOp>(stage, name);
    return costOf(function.getBody(), {flops, bandwidth}, &symbols).seconds;
  }

  /// Seconds to move what the forwards up to stage `s` make and the forward of
  /// stage s + 1 reads, for each s.
  std::vector<double> transferTimes(ArrayRef<StageOp> stages,
                                    SymbolTableCollection &symbols) {
    llvm::StringMap<int64_t> bytesOf;
    std::vector<double> times;
    for (StageOp stage : stages) {
      auto forward = symbols.lookupNearestSymbolFrom<func::FuncOp>(
          stage, stage.getForwardAttr());
      double bytes = 0;
      for (unsigned i = 0; i < forward.getNumArguments(); ++i)
        if (auto name = forward.getArgAttrOfType<StringAttr>(i, attr::kValue))
          bytes += bytesOf.lookup(name.getValue());
      times.push_back(bytes / transfer);
      for (unsigned i = 0; i < forward.getNumResults(); ++i)
        if (auto name =
                forward.getResultAttrOfType<StringAttr>(i, attr::kValue)) {
          auto type = cast<RankedTensorType>(forward.getResultTypes()[i]);
          bytesOf[name.getValue()] =
              type.getNumElements() * type.getElementTypeBitWidth() / 8;
        }
    }
    times.erase(times.begin());
    if (times.empty())
      times.push_back(0);
    return times;
  }

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

    SymbolTableCollection symbols;
    auto seconds = [&](StageOp stage, FlatSymbolRefAttr name) {
      return secondsOf(stage, name, symbols);
    };
    schedule::Costs costs;
    SmallVector<StageOp> stages(module.getOps<StageOp>());
    for (StageOp stage : stages) {
      costs.forward.push_back(seconds(stage, stage.getForwardAttr()));
      double whole = seconds(stage, stage.getBackwardAttr());
      double input = seconds(stage, stage.getBackwardInputAttr());
      // Without halves B is all there is, and its cost may stand in either.
      double weight = stage.getBackwardWeightAttr()
                          ? seconds(stage, stage.getBackwardWeightAttr())
                          : whole - input;
      costs.inputGradient.push_back(input);
      costs.weightGradient.push_back(weight);
    }
    costs.forwardTransfer = costs.backwardTransfer =
        transferTimes(stages, symbols);
    auto timeline = schedule::simulate(*plan, costs);
    if (!timeline) {
      op.emitOpError(timeline.error());
      return signalPassFailure();
    }
    Builder builder(&getContext());
    auto times = [&](StringRef name, const std::vector<double> &seconds) {
      return builder.getNamedAttr(name, builder.getDenseF64ArrayAttr(seconds));
    };
    op->setAttr("pp.times", builder.getDictionaryAttr(
                                {times("forward", costs.forward),
                                 times("input_gradient", costs.inputGradient),
                                 times("weight_gradient", costs.weightGradient),
                                 times("transfer", costs.forwardTransfer)}));
    for (ProgramOp program : module.getOps<ProgramOp>()) {
      uint64_t rank = program.getRank();
      if (rank >= timeline->busy.size()) {
        program.emitOpError("found rank ")
            << rank << ", expected one of the " << timeline->busy.size()
            << " ranks of the schedule";
        return signalPassFailure();
      }
      program->setAttr(
          "pp.predicted",
          builder.getDictionaryAttr(
              {builder.getNamedAttr(
                   "makespan", builder.getF64FloatAttr(timeline->makespan)),
               builder.getNamedAttr(
                   "busy", builder.getF64FloatAttr(timeline->busy[rank])),
               builder.getNamedAttr("bubble", builder.getF64FloatAttr(
                                                  timeline->bubble[rank]))}));
    }
  }
};
} // namespace
