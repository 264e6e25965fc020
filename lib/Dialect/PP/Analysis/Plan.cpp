//===- Plan.cpp - The plan level of a module, gathered
//----------------------===//

#include "pp/Dialect/PP/Analysis/Plan.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace pp;

ActionKind pp::toActionKind(schedule::Kind kind) {
  switch (kind) {
  case schedule::Kind::Forward:
    return ActionKind::F;
  case schedule::Kind::Backward:
    return ActionKind::B;
  case schedule::Kind::InputGradient:
    return ActionKind::I;
  case schedule::Kind::WeightGradient:
    return ActionKind::W;
  }
  llvm_unreachable("no such action");
}

StringAttr pp::getArgumentValue(func::FuncOp function, unsigned index) {
  return function.getArgAttrOfType<StringAttr>(index, attr::kValue);
}

StringAttr pp::getResultValue(func::FuncOp function, unsigned index) {
  return function.getResultAttrOfType<StringAttr>(index, attr::kValue);
}

func::FuncOp Plan::getFunction(const schedule::Action &action) const {
  return functions[action.stage][unsigned(toActionKind(action.kind))];
}

/// Stages by number, each once.
static LogicalResult gatherStages(ModuleOp module,
                                  SmallVectorImpl<StageOp> &stages) {
  for (StageOp stage : module.getOps<StageOp>()) {
    int64_t index = stage.getIndex();
    if (index >= int64_t(stages.size()))
      stages.resize(index + 1);
    if (stages[index]) {
      InFlightDiagnostic diagnostic = stage.emitError()
                                      << "found stage " << index
                                      << " again, expected each stage once";
      diagnostic.attachNote(stages[index].getLoc()) << "first defined here";
      return diagnostic;
    }
    stages[index] = stage;
  }
  if (stages.empty())
    return module.emitError() << "found no pp.stage, expected a plan: run "
                                 "pp-differentiate on a model first";
  for (auto [index, stage] : llvm::enumerate(stages))
    if (!stage)
      return module.emitError()
             << "found no stage " << index << ", expected all stages up to "
             << stages.size() - 1;
  return success();
}

static FailureOr<schedule::Schedule> parseSchedule(ScheduleOp op,
                                                   size_t stages) {
  schedule::Schedule result;
  result.name = op.getName().str();
  result.stages = int32_t(stages);
  result.microbatches = int32_t(op.getMicrobatches());
  if (op.getPlacement().size() != stages)
    return op.emitError() << "found a placement of " << op.getPlacement().size()
                          << " stages, expected the " << stages
                          << " stages of the plan: run pp-schedule again";
  for (int64_t pipe : op.getPlacement())
    result.placement.push_back(int32_t(pipe));
  for (auto [pipe, text] :
       llvm::enumerate(op.getRows().getAsValueRange<StringAttr>())) {
    auto row = schedule::parseRow(std::string_view(text.data(), text.size()));
    if (!row)
      return op.emitError()
             << "pipe coordinate " << pipe << ": " << row.error();
    for (const schedule::Action &action : *row)
      if (action.stage < 0 || action.stage >= result.stages)
        return op.emitError() << "pipe coordinate " << pipe << ": found action "
                              << schedule::toString(action)
                              << ", expected a stage below " << stages;
    result.ranks.push_back(std::move(*row));
  }
  return result;
}

/// An accumulator counts where any of the backward functions of a stage has
/// it; that whole and halves agree is part of verify().
void Plan::gatherParameters() {
  for (ParameterOp op : module.getOps<ParameterOp>())
    parameters[op.getSymNameAttr()].op = op;
  for (auto [stage, ofStage] : llvm::enumerate(functions)) {
    for (func::FuncOp function : ofStage) {
      if (!function)
        continue;
      for (unsigned i = 0, e = function.getNumArguments(); i != e; ++i) {
        int64_t pipe = pipeOf(stage);
        if (auto name = function.getArgAttrOfType<StringAttr>(i, attr::kParam))
          if (auto it = parameters.find(name); it != parameters.end())
            it->second.readers.push_back(pipe);
        auto name = function.getArgAttrOfType<StringAttr>(i, attr::kGrad);
        auto use = function.getArgAttrOfType<IntegerAttr>(i, attr::kUse);
        auto it = name ? parameters.find(name) : parameters.end();
        if (it != parameters.end())
          it->second.gradients.push_back({use.getInt(), int64_t(stage), pipe});
      }
    }
  }
  for (auto &[name, info] : parameters) {
    llvm::sort(info.readers);
    info.readers.erase(llvm::unique(info.readers), info.readers.end());
    auto key = [](const GradientUse &gradient) {
      return std::pair(gradient.use, gradient.stage);
    };
    llvm::sort(info.gradients,
               [&](auto &a, auto &b) { return key(a) < key(b); });
    info.gradients.erase(
        llvm::unique(info.gradients,
                     [&](auto &a, auto &b) { return key(a) == key(b); }),
        info.gradients.end());
  }
}

FailureOr<Plan> Plan::get(ModuleOp module) {
  Plan plan;
  plan.module = module;
  if (failed(gatherStages(module, plan.stages)))
    return failure();
  SymbolTable symbols(module);
  for (StageOp stage : plan.stages) {
    auto &ofStage = plan.functions.emplace_back();
    for (ActionKind kind :
         {ActionKind::F, ActionKind::B, ActionKind::I, ActionKind::W}) {
      FlatSymbolRefAttr symbol = stage.getFunctionFor(kind);
      if (!symbol)
        continue;
      auto function = symbols.lookup<func::FuncOp>(symbol.getAttr());
      if (!function)
        return stage.emitError() << "found no func.func " << symbol
                                 << ", expected stages that are not lowered";
      ofStage[unsigned(kind)] = function;
    }
  }
  auto schedules = module.getOps<ScheduleOp>();
  if (std::distance(schedules.begin(), schedules.end()) != 1)
    return module.emitError()
           << "found " << std::distance(schedules.begin(), schedules.end())
           << " pp.schedule ops, expected one: run pp-schedule";
  plan.scheduleOp = *schedules.begin();
  FailureOr<schedule::Schedule> schedule =
      parseSchedule(plan.scheduleOp, plan.stages.size());
  if (failed(schedule))
    return failure();
  plan.schedule = std::move(*schedule);
  plan.gatherParameters();
  return plan;
}
