//===- Times.cpp - Seconds of layers and stages ---------------------------===//
//
// A profile is of layers, so a stage's time is the sum over the calls that say
// which part of which apply they are (pp.part). Without a profile the ops of
// the functions are asked.
//
// Replicas of the pipeline gather the pieces of a stage's parameters and reduce
// its gradients (pp-project-ranks): each parameter and accumulator is a
// collective of its own, on a ring of links as those between stages.
// Collectives of layers are part of what the functions cost.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/Analysis/Times.h"
#include "pp/Dialect/PP/Analysis/Plan.h"
#include "pp/Interfaces/CostOpInterface.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <algorithm>

using namespace mlir;
using namespace pp;

static void setShape(Type type, profile::Model &model) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || tensor.getRank() < 1 || model.batch)
    return;
  model.batch = tensor.getRank() == 2 ? tensor.getDimSize(0) : 1;
  model.sequence = tensor.getShape().back();
}

LogicalResult Times::readProfile() {
  profile::Model model;
  Operation *where = module;
  for (ModelOp op : module.getOps<ModelOp>()) {
    where = op;
    for (Type type : op.getBody().getArgumentTypes())
      setShape(type, model);
    for (ApplyOp apply : op.getBody().getOps<ApplyOp>()) {
      auto layer = symbols->lookupNearestSymbolFrom<LayerOp>(
          apply, apply.getCalleeAttr());
      numbers[apply] = layers.size();
      layers.push_back(apply.getCallee().str());
      model.layers.push_back(
          {layers.back(), costOf(layer.getBody(), {}).wholeFlops()});
    }
  }
  for (InputOp input : module.getOps<InputOp>())
    setShape(input.getType(), model);
  if (auto known = module->getAttrOfType<ArrayAttr>(attr::kLayers))
    for (auto layer : known.getAsRange<DictionaryAttr>()) {
      auto name = layer.getAs<StringAttr>("layer");
      auto flops = layer.getAs<IntegerAttr>("flops");
      if (!name || !flops)
        return where->emitError()
               << "found a layer without name or operations in '"
               << attr::kLayers << "', expected both: run pp-differentiate";
      layers.push_back(name.str());
      model.layers.push_back({layers.back(), flops.getInt()});
    }
  if (layers.empty())
    return where->emitError()
           << "found a profile and no layers, expected a pp.model or '"
           << attr::kLayers
           << "' on the module: run the passes from a model on";
  profile::Result<profile::Profile> loaded = profile::load(options.profile);
  if (!loaded)
    return where->emitError() << loaded.error();
  if (std::string error = profile::findDifference(*loaded, model);
      !error.empty())
    return where->emitError() << error;
  measured = std::move(*loaded);
  if (measured->hasTransfers) {
    options.rates.latency = measured->latency;
    options.rates.transfer = measured->bandwidth;
  }
  sameApplies = measured->layers.size() == layers.size();
  for (size_t i = 0; sameApplies && i < layers.size(); ++i)
    sameApplies = measured->layers[i].name == layers[i];
  return success();
}

LogicalResult Times::check(ModuleOp module, const Options &options) {
  for (auto [name, rate] : {std::pair("flops", options.rates.flops),
                            std::pair("bandwidth", options.rates.bytes),
                            std::pair("transfer", options.rates.transfer)})
    if (!(rate >= 1 && rate <= 1e30))
      return module.emitError() << "found " << name << "=" << rate
                                << ", expected a rate from 1 to 1e30 a second";
  const double latency = options.rates.latency;
  if (!(latency >= 0 && latency <= 1e6))
    return module.emitError()
           << "found latency=" << latency << ", expected seconds from 0 to 1e6";
  return success();
}

FailureOr<Times> Times::get(ModuleOp module, const Options &options) {
  if (failed(check(module, options)))
    return failure();
  Times times(module, options);
  if (!options.profile.empty() && failed(times.readProfile()))
    return failure();
  return std::move(times);
}

double Times::secondsOf(ApplyOp apply, bool recomputed) {
  if (measured) {
    size_t number = numbers.lookup(apply);
    auto part = [&](char kind) {
      return sameApplies && kind != 'R'
                 ? measured->secondsOf(number, kind)
                 : measured->secondsOf(layers[number], kind);
    };
    return part('F') + part('B') + (recomputed ? part('R') : 0);
  }
  auto layer =
      symbols->lookupNearestSymbolFrom<LayerOp>(apply, apply.getCalleeAttr());
  auto [entry, isNew] = estimates.try_emplace(layer);
  if (isNew)
    entry->second = costOf(layer.getBody(), options.rates);
  // Backward computes twice what forward does, and sends as much: the adjoint
  // of a collective, or of the comm.vary before a product whose partial sums
  // one adds, is a collective of as many bytes. What is made again is made once
  // more, as all that is recomputed.
  const double wire = entry->second.collectiveSeconds;
  return (entry->second.seconds - wire) * (recomputed ? 4 : 3) +
         wire * (recomputed ? 3 : 2) +
         (recomputed ? 0 : entry->second.madeAgainSeconds);
}

double Times::secondsOf(func::FuncOp function) {
  if (!function)
    return 0;
  if (!measured)
    return costOf(function.getBody(), options.rates, symbols.get()).seconds;
  double seconds = 0;
  llvm::StringSet<> seen; // A half and the sum it goes into are one part.
  function.walk([&](func::CallOp call) {
    auto part = call->getAttrOfType<StringAttr>(attr::kPart);
    size_t apply;
    if (!part || !seen.insert(part.getValue()).second ||
        part.getValue().drop_back().getAsInteger(10, apply) ||
        apply >= layers.size())
      return;
    seconds += measured->secondsOf(layers[apply], part.getValue().back());
  });
  return seconds;
}

double Times::collectiveSecondsOf(func::FuncOp function) {
  if (!function)
    return 0;
  const double wire = costOf(function.getBody(), options.rates, symbols.get())
                          .collectiveSeconds;
  // What was measured may be less than its part by the formula.
  return std::min(wire, secondsOf(function));
}

func::FuncOp Times::lookup(StageOp stage, FlatSymbolRefAttr name) {
  return name ? symbols->lookupNearestSymbolFrom<func::FuncOp>(stage, name)
              : func::FuncOp();
}

bool Times::StageCollectives::isNone() const {
  auto isZero = [](double seconds) { return seconds == 0; };
  return llvm::all_of(forward, isZero) && llvm::all_of(inputGradient, isZero) &&
         llvm::all_of(weightGradient, isZero);
}

Times::StageCollectives Times::stageCollectivesOf(ArrayRef<StageOp> stages) {
  StageCollectives all;
  for (StageOp stage : stages) {
    auto seconds = [&](FlatSymbolRefAttr name) {
      return collectiveSecondsOf(lookup(stage, name));
    };
    const double input = seconds(stage.getBackwardInputAttr());
    all.forward.push_back(seconds(stage.getForwardAttr()));
    all.inputGradient.push_back(input);
    all.weightGradient.push_back(
        stage.getBackwardWeightAttr()
            ? seconds(stage.getBackwardWeightAttr())
            : std::max(seconds(stage.getBackwardAttr()) - input, 0.0));
  }
  return all;
}

double Times::transferSeconds(double bytes, unsigned values) const {
  return values * options.rates.latency + bytes / options.rates.transfer;
}

double Times::collectiveSeconds(double bytes, int64_t replicas) const {
  return schedule::ringTime(bytes, replicas, options.rates.latency,
                            options.rates.transfer);
}

std::string Times::layerOf(func::CallOp call) {
  auto part = call->getAttrOfType<StringAttr>(attr::kPart);
  auto known = module->getAttrOfType<ArrayAttr>(attr::kLayers);
  size_t apply;
  if (part && known && !part.getValue().drop_back().getAsInteger(10, apply) &&
      apply < known.size())
    if (auto name =
            cast<DictionaryAttr>(known[apply]).getAs<StringAttr>("layer"))
      return name.str();
  return call.getCallee().str();
}

SmallVector<LayerCollectives> Times::collectivesOf(ArrayRef<StageOp> stages) {
  SmallVector<LayerCollectives> all;
  llvm::DenseSet<Operation *> without; // functions that have none
  auto add = [&](func::CallOp call) {
    auto callee = symbols->lookupNearestSymbolFrom<func::FuncOp>(
        call, call.getCalleeAttr());
    if (!callee || without.contains(callee))
      return;
    bool isWithout = true;
    callee.walk([&](CostOpInterface op) {
      const Cost cost = costOf(op, options.rates);
      if (!cost.collectives)
        return;
      isWithout = false;
      const Communication wire = *op.getCommunication();
      std::string layer = layerOf(call);
      auto *entry = llvm::find_if(all, [&](const LayerCollectives &each) {
        return each.layer == layer && each.axes == wire.axes;
      });
      if (entry == all.end()) {
        all.push_back({std::move(layer), wire.axes, wire.ranks, {}});
        entry = &all.back();
      }
      entry->cost += cost;
    });
    if (isWithout)
      without.insert(callee);
  };
  for (StageOp stage : stages) {
    const bool hasHalves = bool(stage.getBackwardWeightAttr());
    for (FlatSymbolRefAttr name :
         {stage.getForwardAttr(),
          hasHalves ? stage.getBackwardInputAttr() : stage.getBackwardAttr(),
          stage.getBackwardWeightAttr()})
      if (name)
        if (auto function =
                symbols->lookupNearestSymbolFrom<func::FuncOp>(stage, name))
          function.walk(add);
  }
  return all;
}

SmallVector<std::pair<ParameterOp, int64_t>>
Times::boundTo(StageOp stage, ArrayRef<FlatSymbolRefAttr> functions,
               StringRef attribute) {
  SmallVector<std::pair<ParameterOp, int64_t>> found;
  for (FlatSymbolRefAttr name : functions) {
    if (!name)
      continue;
    auto function = symbols->lookupNearestSymbolFrom<func::FuncOp>(stage, name);
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      auto param = function.getArgAttrOfType<StringAttr>(i, attribute);
      auto parameter =
          param ? symbols->lookupNearestSymbolFrom<ParameterOp>(stage, param)
                : ParameterOp();
      if (!parameter)
        continue;
      auto use = function.getArgAttrOfType<IntegerAttr>(i, attr::kUse);
      found.push_back({parameter, use ? use.getInt() : 0});
    }
  }
  return found;
}

void Times::addCollectives(ArrayRef<StageOp> stages,
                           std::optional<Replicas> planned,
                           schedule::Costs &costs) {
  auto replicasOf = [&](ParameterOp parameter) {
    return planned ? planned->count : parameter.getNumPieces();
  };
  auto isCut = [&](ParameterOp parameter) {
    return planned ? planned->cutsStates : parameter.getCut();
  };
  auto secondsOf = [&](ParameterOp parameter, Type whole, Type piece) {
    const int64_t replicas = replicasOf(parameter);
    return collectiveSeconds(planned ? double(pp::detail::sumOfBytes(whole))
                                     : double(pp::detail::sumOfBytes(piece)) *
                                           replicas,
                             replicas);
  };
  // Planned replicas have no schedule yet: as if stages were on pipe
  // coordinates of their own.
  auto schedules = module.getOps<ScheduleOp>();
  if (!planned && schedules.empty())
    return;
  auto placed = [&](StageOp stage) -> int64_t {
    const int64_t index = stage.getIndex();
    return planned ? index : (*schedules.begin()).getPlacement()[index];
  };
  std::vector<double> gather(stages.size(), 0), reduction(gather),
      whole(gather);
  llvm::DenseSet<std::pair<Operation *, int64_t>> reduced, gathered;
  llvm::DenseSet<Operation *> updated; // what no gradient updates is whole
  for (size_t i = 0; i < stages.size(); ++i) {
    StageOp stage = stages[i];
    for (auto [parameter, use] :
         boundTo(stage,
                 {stage.getBackwardAttr(), stage.getBackwardInputAttr(),
                  stage.getBackwardWeightAttr()},
                 attr::kGrad)) {
      if (replicasOf(parameter) == 1 ||
          !reduced.insert({parameter, use}).second)
        continue;
      updated.insert(parameter);
      const double seconds = secondsOf(parameter, parameter.getGradientType(),
                                       parameter.getGradientPieceType());
      reduction[i] += seconds;
      // The rank with the first use has the sum.
      if (!isCut(parameter) && use == 0)
        whole[i] += seconds;
    }
  }
  for (size_t i = 0; i < stages.size(); ++i) {
    StageOp stage = stages[i];
    for (auto [parameter, use] :
         boundTo(stage, {stage.getForwardAttr()}, attr::kParam))
      if (isCut(parameter) && updated.contains(parameter) &&
          gathered.insert({parameter, placed(stage)}).second)
        gather[i] += secondsOf(parameter, parameter.getLocalType(),
                               parameter.getPieceType());
  }
  if (reduced.empty())
    return;
  costs.parameterGather = std::move(gather);
  costs.gradientReduction = std::move(reduction);
  costs.gradientGather = std::move(whole);
}

schedule::Costs Times::costsOf(ArrayRef<StageOp> stages,
                               std::optional<Replicas> planned) {
  schedule::Costs costs;
  costs.forwardTransfer.clear();
  // What forwards up to a stage make and the forward of the next one reads.
  llvm::StringMap<int64_t> bytesOf;
  for (StageOp stage : stages) {
    func::FuncOp forward = lookup(stage, stage.getForwardAttr());
    costs.forward.push_back(secondsOf(forward));
    double whole = secondsOf(lookup(stage, stage.getBackwardAttr()));
    double input = secondsOf(lookup(stage, stage.getBackwardInputAttr()));
    // Without halves B is all there is, and its cost may stand in either.
    double weight =
        stage.getBackwardWeightAttr()
            ? secondsOf(lookup(stage, stage.getBackwardWeightAttr()))
            : std::max(whole - input, 0.0); // the sums round differently
    costs.inputGradient.push_back(input);
    costs.weightGradient.push_back(weight);

    double bytes = 0;
    unsigned values = 0;
    for (unsigned i = 0; i < forward.getNumArguments(); ++i)
      if (StringAttr name = getArgumentValue(forward, i))
        if (auto made = bytesOf.find(name); made != bytesOf.end()) {
          bytes += made->second;
          ++values;
        }
    if (costs.forward.size() > 1)
      costs.forwardTransfer.push_back(transferSeconds(bytes, values));
    for (unsigned i = 0; i < forward.getNumResults(); ++i)
      if (StringAttr name = getResultValue(forward, i))
        bytesOf[name] = pp::detail::sumOfBytes(forward.getResultTypes()[i]);
  }
  if (costs.forwardTransfer.empty())
    costs.forwardTransfer.push_back(0);
  costs.backwardTransfer = costs.forwardTransfer;
  addCollectives(stages, planned, costs);
  if (!measured)
    return costs;

  // The rank with the first use of a parameter updates it; of what is cut, each
  // replica its piece.
  costs.reduction = stages.empty() ? 0 : measured->exchange;
  costs.optimizer.clear();
  for (StageOp stage : stages) {
    double bytes = 0;
    llvm::StringSet<> seen;
    for (FlatSymbolRefAttr name :
         {stage.getBackwardAttr(), stage.getBackwardInputAttr(),
          stage.getBackwardWeightAttr()})
      if (func::FuncOp function = lookup(stage, name))
        for (unsigned i = 0; i < function.getNumArguments(); ++i) {
          auto param = function.getArgAttrOfType<StringAttr>(i, attr::kGrad);
          auto use = function.getArgAttrOfType<IntegerAttr>(i, attr::kUse);
          if (!param || !use || use.getInt() != 0 || !seen.insert(param).second)
            continue;
          auto parameter =
              symbols->lookupNearestSymbolFrom<ParameterOp>(stage, param);
          const double all = pp::detail::sumOfBytes(
              parameter && parameter.getCut() ? parameter.getUpdatedType()
                                              : function.getArgumentTypes()[i]);
          bytes += planned && planned->cutsStates ? all / planned->count : all;
        }
    costs.optimizer.push_back(bytes * measured->updatePerByte);
  }
  return costs;
}
