//===- PPPartition.cpp - Assign each apply of the model to a stage --------===//
//
// What a cut costs: seconds of applies, bytes across, bytes of a stage. Which
// one is best finds the partitioning library.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/Transforms/Passes.h"

#include "Options.h"
#include "pp/Analysis/Cost.h"
#include "pp/Dialect/PP/Analysis/ParameterMemory.h"
#include "pp/Dialect/PP/Analysis/Times.h"
#include "pp/Dialect/PP/IR/PPOps.h"
#include "pp/Interfaces/CostOpInterface.h"
#include "pp/Partitioning/Partitioning.h"
#include "pp/Schedule/Load.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace pp {
#define GEN_PASS_DEF_PPPARTITION
#include "pp/Dialect/PP/Transforms/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;

namespace {

/// What the cut needs to know of an apply.
struct Item {
  ApplyOp apply;
  double seconds = 0;   ///< forward, backward, and the forward again
  double keptBytes = 0; ///< kept from forward to backward, per micro-batch
  int64_t pin = -1;     ///< stage by the user
};

class Partition : public pp::impl::PPPartitionBase<Partition> {
public:
  using PPPartitionBase::PPPartitionBase;
  void runOnOperation() override;

private:
  LogicalResult partition(ModelOp model);
  LogicalResult collect(ModelOp model);
  LogicalResult checkPins();
  void prepare();
  LogicalResult countInFlight();
  double memoryOf(int64_t stage, size_t begin, size_t end) const;
  SmallVector<Item> items;
  SmallVector<double> kept;      ///< kept bytes of the applies before i
  SmallVector<int64_t> inFlight; ///< micro-batches that a stage holds at once
  SmallVector<double> cutBytes;  ///< bytes of the values that cross before i
  SmallVector<SmallVector<double>> parameterBytes; ///< of the run [i, j)
};

} // namespace

/// Layers with pinned and unpinned applies share one estimate.
LogicalResult Partition::collect(ModelOp model) {
  SymbolTableCollection symbols;
  FailureOr<Times> times = Times::get(
      getOperation(), {{flops, bandwidth, transfer, latency}, profile});
  if (failed(times))
    return failure();
  DenseMap<Operation *, double> estimates;
  for (ApplyOp apply : model.getBody().getOps<ApplyOp>()) {
    auto layer =
        symbols.lookupNearestSymbolFrom<LayerOp>(apply, apply.getCalleeAttr());
    auto [entry, isNew] = estimates.try_emplace(layer);
    if (isNew) {
      // The backward keeps what is expensive to compute: views and ops of one
      // operation an element are computed again, collectives never.
      double bytes = 0;
      layer.getBody().walk([&](Operation *op) {
        double elements = 0;
        for (Type type : op->getResultTypes())
          if (auto tensor = dyn_cast<RankedTensorType>(type))
            elements += double(tensor.getNumElements());
        const Cost cost = costOf(op, {});
        if (cost.flops > elements || cost.collectives)
          bytes += pp::detail::sumOfBytes(op->getResultTypes());
      });
      entry->second = bytes;
    }
    Item item;
    item.apply = apply;
    StringRef policy = recompute;
    if (std::optional<StringRef> own = layer.getRecompute())
      policy = *own;
    if (std::optional<StringRef> own = apply.getRecompute())
      policy = *own;
    bool again = policy == "full";
    item.seconds = times->secondsOf(apply, again);
    item.keptBytes = pp::detail::sumOfBytes(apply.getInputs().getTypes());
    if (!again)
      item.keptBytes += entry->second;
    if (std::optional<uint64_t> stage = apply.getStage())
      item.pin = int64_t(*stage);
    items.push_back(item);
  }
  if (items.size() < size_t(stages))
    return model.emitError()
           << "found " << items.size() << " applied layers for "
           << stages.getValue()
           << " stages, expected at least one a stage: ask for fewer stages or "
              "split a layer";
  return success();
}

/// A partition exists if and only if each pin leaves room for the stages
/// before, between and after.
LogicalResult Partition::checkPins() {
  Item *previous = nullptr;
  int64_t previousIndex = 0;
  int64_t count = items.size();
  for (int64_t i = 0; i != count; ++i) {
    Item &item = items[i];
    if (item.pin < 0)
      continue;
    auto report = [&]() {
      InFlightDiagnostic diagnostic = item.apply.emitError();
      if (previous)
        diagnostic.attachNote(previous->apply.getLoc())
            << "the pin before is here, to stage " << previous->pin;
      diagnostic << "found stage = " << item.pin;
      return diagnostic;
    };
    if (item.pin >= stages)
      return report() << ", expected a number below the " << stages.getValue()
                      << " stages: change the pin or ask for more stages";
    if (previous && item.pin < previous->pin)
      return report() << " after a pin to stage " << previous->pin
                      << ", expected pins that do not descend: stages are runs "
                         "of applies in the order of the model";
    int64_t free = previous ? i - previousIndex : i;
    int64_t needed = previous ? item.pin - previous->pin : item.pin;
    if (needed > free)
      return report() << " after " << free
                      << " free applies, expected at least " << needed
                      << ", one for each stage before it: move the "
                         "pin";
    previous = &item;
    previousIndex = i;
  }
  if (previous && stages - 1 - previous->pin > count - 1 - previousIndex)
    return previous->apply.emitError()
           << "found stage = " << previous->pin << " before "
           << count - 1 - previousIndex << " free applies, expected at least "
           << stages - 1 - previous->pin
           << ", one for each stage after it: move the pin";
  return success();
}

void Partition::prepare() {
  size_t count = items.size();
  kept.assign(count + 1, 0);
  cutBytes.assign(count + 1, 0);
  DenseMap<Operation *, size_t> position;
  for (auto [i, item] : llvm::enumerate(items)) {
    kept[i + 1] = kept[i] + item.keptBytes;
    position[item.apply] = i;
  }
  // A value crosses each cut between its producer and its last consumer.
  for (auto [i, item] : llvm::enumerate(items))
    for (Value result : item.apply.getResults()) {
      size_t last = i;
      for (Operation *user : result.getUsers())
        if (auto use = position.find(user); use != position.end())
          last = std::max(last, use->second);
      for (size_t cut = i + 1; cut <= last; ++cut)
        cutBytes[cut] += pp::detail::sumOfBytes(result.getType());
    }
  if (memory == 0)
    return;
  // Value and optimizer states once, a gradient for each use.
  parameterBytes.assign(count, SmallVector<double>(count + 1, 0));
  for (size_t begin = 0; begin != count; ++begin) {
    llvm::DenseSet<Value> seen;
    double bytes = 0;
    for (size_t end = begin; end != count; ++end) {
      for (Value param : items[end].apply.getParams()) {
        auto op = param.getDefiningOp<ParamOp>();
        ParameterMemory cost(op ? Type(op.getLocalType()) : param.getType());
        bytes += cost.gradient;
        if (seen.insert(param).second)
          bytes += cost.value + cost.states(replicas);
      }
      parameterBytes[begin][end + 1] = bytes;
    }
  }
}

/// How many micro-batches a stage holds at once follows from the order of its
/// rank's actions.
LogicalResult Partition::countInFlight() {
  // A search is told the bound and holds what it allows: one is the least.
  if (schedule == "search" && searchAs.empty()) {
    inFlight.assign(stages, 1);
    return success();
  }
  schedule::Setting setting;
  setting.microbatches = microbatches;
  setting.virtualStages = virtualStages;
  schedule::Result<schedule::Schedule> loaded = schedule::loadForStages(
      schedule == "search" ? searchAs : schedule, stages, setting);
  if (!loaded)
    return getOperation().emitError() << loaded.error();
  inFlight.assign(stages, 0);
  SmallVector<int64_t> held(stages, 0);
  for (const auto &row : loaded->ranks)
    for (const schedule::Action &action : row) {
      if (action.kind == schedule::Kind::Forward)
        ++held[action.stage];
      else if (action.kind != schedule::Kind::InputGradient)
        --held[action.stage];
      inFlight[action.stage] =
          std::max(inFlight[action.stage], held[action.stage]);
    }
  return success();
}

double Partition::memoryOf(int64_t stage, size_t begin, size_t end) const {
  return parameterBytes[begin][end] +
         double(inFlight[stage]) * (kept[end] - kept[begin]);
}

LogicalResult Partition::partition(ModelOp model) {
  items.clear();
  if (failed(collect(model)) || failed(checkPins()))
    return failure();
  prepare();
  partitioning::Problem problem;
  problem.stages = stages;
  for (auto [i, item] : llvm::enumerate(items))
    problem.items.push_back({item.seconds, cutBytes[i], item.pin});
  if (memory != 0) {
    problem.memory = [this](int64_t stage, size_t begin, size_t end) {
      return memoryOf(stage, begin, end);
    };
    problem.memoryLimit = double(memory);
  }
  std::vector<size_t> ends = partitioning::cut(problem);
  if (ends.empty())
    return model.emitError()
           << "found no partition into " << stages.getValue()
           << " stages of at most " << memory.getValue()
           << " bytes, expected a bound of at least "
           << uint64_t(partitioning::smallestMemoryLimit(problem))
           << " bytes: raise it, ask for more stages, or recompute layers";
  Builder builder(&getContext());
  size_t next = 0;
  for (auto [stage, end] : llvm::enumerate(ends))
    for (; next != end; ++next)
      items[next].apply.setStageAttr(builder.getI64IntegerAttr(stage));
  return success();
}

void Partition::runOnOperation() {
  ModuleOp module = getOperation();
  if (failed(checkOption(module, "stages", stages, 1, limits::kStages)) ||
      failed(checkOption(module, "microbatches", microbatches, 1,
                         limits::kMicrobatches)) ||
      failed(
          checkOption(module, "virtual", virtualStages, 0, limits::kRanks)) ||
      failed(checkOption(module, "replicas", replicas, 1, limits::kRanks)) ||
      failed(Times::check(module,
                          {{flops, bandwidth, transfer, latency}, profile})))
    return signalPassFailure();
  if (!recompute.empty() && recompute != "none" && recompute != "full") {
    module.emitError() << "found recompute=" << recompute
                       << ", expected none or full";
    return signalPassFailure();
  }
  if (memory != 0 && failed(countInFlight()))
    return signalPassFailure();
  for (ModelOp model : getOperation().getOps<ModelOp>())
    if (failed(partition(model)))
      return signalPassFailure();
}
