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

/// How long the schedule takes where replicas exchange nothing.
static double makespanAlone(const schedule::Schedule &plan,
                            schedule::Costs costs) {
  costs.parameterGather = costs.gradientReduction = costs.gradientGather = {0};
  auto timeline = schedule::simulate(plan, costs);
  return timeline ? timeline->makespan : 0;
}

/// The collectives of the layers of stages; null for none.
static ArrayAttr describeCollectives(ArrayRef<StageOp> stages, Times &times) {
  if (stages.empty())
    return {};
  Builder builder(stages.front()->getContext());
  SmallVector<Attribute> layers;
  for (const LayerCollectives &each : times.collectivesOf(stages)) {
    auto entry = [&](StringRef name, Attribute value) {
      return builder.getNamedAttr(name, value);
    };
    layers.push_back(builder.getDictionaryAttr(
        {entry("layer", builder.getStringAttr(each.layer)),
         entry("axes", each.axes),
         entry("ranks", builder.getI64IntegerAttr(each.ranks)),
         entry("count", builder.getI64IntegerAttr(each.cost.collectives)),
         entry("bytes", builder.getI64IntegerAttr(int64_t(each.cost.sent))),
         entry("seconds",
               builder.getF64FloatAttr(each.cost.collectiveSeconds))}));
  }
  return layers.empty() ? ArrayAttr() : builder.getArrayAttr(layers);
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
        Times::get(module, {{flops, bandwidth, transfer, latency}, profile});
    if (failed(times))
      return signalPassFailure();
    const SmallVector<StageOp> stages(module.getOps<StageOp>());
    schedule::Costs costs = times->costsOf(stages);
    auto timeline = schedule::simulate(*plan, costs);
    if (!timeline) {
      op.emitOpError(timeline.error());
      return signalPassFailure();
    }
    Builder builder(&getContext());
    auto entry = [&](StringRef name, const std::vector<double> &seconds) {
      return builder.getNamedAttr(name, builder.getDenseF64ArrayAttr(seconds));
    };
    SmallVector<NamedAttribute> simulated = {
        entry("forward", costs.forward),
        entry("input_gradient", costs.inputGradient),
        entry("weight_gradient", costs.weightGradient),
        entry("transfer", costs.forwardTransfer)};
    std::optional<double> alone;
    if (costs.hasCollectives()) {
      simulated.push_back(entry("parameter_gather", costs.parameterGather));
      simulated.push_back(entry("gradient_reduction", costs.gradientReduction));
      simulated.push_back(entry("gradient_gather", costs.gradientGather));
      alone = makespanAlone(*plan, costs);
    }
    if (const Times::StageCollectives wire = times->stageCollectivesOf(stages);
        !wire.isNone()) {
      simulated.push_back(entry("forward_collectives", wire.forward));
      simulated.push_back(
          entry("input_gradient_collectives", wire.inputGradient));
      simulated.push_back(
          entry("weight_gradient_collectives", wire.weightGradient));
    }
    op->setAttr(attr::kTimes, builder.getDictionaryAttr(simulated));
    std::vector<SmallVector<StageOp>> stagesOf(timeline->busy.size());
    for (StageOp stage : stages)
      if (stage.getIndex() < op.getPlacement().size())
        stagesOf[size_t(op.getPlacement()[stage.getIndex()])].push_back(stage);
    for (ProgramOp program : getPrograms(module, ProgramKind::Step)) {
      uint64_t pipe = program.getPipe();
      if (pipe >= timeline->busy.size()) {
        program.emitOpError("found pipe coordinate ")
            << pipe << ", expected one of the " << timeline->busy.size()
            << " pipe coordinates of the schedule";
        return signalPassFailure();
      }
      auto number = [&](StringRef name, double value) {
        return builder.getNamedAttr(name, builder.getF64FloatAttr(value));
      };
      SmallVector<NamedAttribute> predicted = {
          number("makespan", timeline->makespan),
          number("busy", timeline->busy[pipe]),
          number("bubble", timeline->bubble[pipe])};
      if (alone) {
        using Kind = schedule::Collective::Kind;
        auto rank = int32_t(pipe);
        predicted.append(
            {number("collectives", timeline->collectiveTime(rank)),
             number("parameters", timeline->exposedTime(rank, Kind::Gather)),
             number("gradients", timeline->exposedTime(rank, Kind::Reduction)),
             number("exposed", timeline->makespan - *alone)});
      }
      program->setAttr(attr::kPredicted, builder.getDictionaryAttr(predicted));
      if (ArrayAttr layers = describeCollectives(stagesOf[pipe], *times))
        program->setAttr(attr::kLayerCollectives, layers);
    }
  }
};
} // namespace
