//===- PlanVerifier.cpp - Is the plan of a module right?
//--------------------===//
//
// The schedule library proves that every action is there once, on its rank and
// in gradient order. It knows stages as a chain; the values that really move
// are known here, so data-flow order is proven by executing the actions with
// sets of values: an action runs when all the values which it reads have been
// produced for its micro-batch.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/PP/Analysis/Plan.h"
#include "pp/Schedule/Verifier.h"

#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace pp;

namespace {
constexpr ActionKind kAllKinds[] = {ActionKind::F, ActionKind::B, ActionKind::I,
                                    ActionKind::W};

/// A result of a stage function.
struct Producer {
  func::FuncOp function;
  unsigned result = 0;
  int64_t stage = 0;
  ActionKind kind = ActionKind::F;
  Type type() { return function.getResultTypes()[result]; }
};
} // namespace

/// The whole backward and its halves are alternatives, everything else is a
/// second producer.
static bool areAlternatives(const Producer &a, const Producer &b) {
  auto isHalf = [](ActionKind kind) {
    return kind == ActionKind::I || kind == ActionKind::W;
  };
  return a.stage == b.stage && ((a.kind == ActionKind::B && isHalf(b.kind)) ||
                                (b.kind == ActionKind::B && isHalf(a.kind)));
}

LogicalResult Plan::verifyValues() const {
  llvm::MapVector<StringAttr, SmallVector<Producer>> producers;
  for (auto [stage, ofStage] : llvm::enumerate(functions)) {
    for (ActionKind kind : kAllKinds) {
      func::FuncOp function = ofStage[unsigned(kind)];
      if (!function)
        continue;
      for (unsigned i = 0, e = function.getNumResults(); i != e; ++i) {
        StringAttr name = getResultValue(function, i);
        if (!name)
          continue;
        Producer producer{function, i, int64_t(stage), kind};
        for (Producer &other : producers[name]) {
          if (areAlternatives(other, producer)) {
            if (other.type() == producer.type())
              continue;
            InFlightDiagnostic diagnostic =
                function.emitError()
                << "found value '" << name.getValue() << "' of type "
                << producer.type() << ", expected " << other.type()
                << " as in the other form of the backward";
            diagnostic.attachNote(other.function.getLoc()) << "produced here";
            return diagnostic;
          }
          InFlightDiagnostic diagnostic =
              function.emitError() << "found value '" << name.getValue()
                                   << "' produced again, expected one producer";
          diagnostic.attachNote(other.function.getLoc())
              << "first produced here";
          return diagnostic;
        }
        producers[name].push_back(producer);
      }
    }
  }
  for (auto &ofStage : functions) {
    for (func::FuncOp function : ofStage) {
      if (!function)
        continue;
      for (unsigned i = 0, e = function.getNumArguments(); i != e; ++i) {
        StringAttr name = getArgumentValue(function, i);
        if (!name)
          continue;
        auto it = producers.find(name);
        if (it == producers.end())
          return function.emitError()
                 << "argument " << i << ": found value '" << name.getValue()
                 << "' that no stage produces, expected a result with "
                    "pp.value = \""
                 << name.getValue() << "\"";
        Producer &producer = it->second.front();
        if (function.getArgumentTypes()[i] == producer.type())
          continue;
        InFlightDiagnostic diagnostic =
            function.emitError()
            << "argument " << i << ": found value '" << name.getValue()
            << "' of type " << function.getArgumentTypes()[i] << ", expected "
            << producer.type() << " as produced";
        diagnostic.attachNote(producer.function.getLoc()) << "produced here";
        return diagnostic;
      }
    }
  }
  return success();
}

/// The accumulators of a function: (parameter, use).
static SmallVector<std::pair<StringAttr, int64_t>>
getAccumulators(func::FuncOp function) {
  SmallVector<std::pair<StringAttr, int64_t>> accumulators;
  for (unsigned i = 0, e = function ? function.getNumArguments() : 0; i != e;
       ++i)
    if (auto name = function.getArgAttrOfType<StringAttr>(i, attr::kGrad))
      accumulators.emplace_back(
          name, function.getArgAttrOfType<IntegerAttr>(i, attr::kUse).getInt());
  return accumulators;
}

LogicalResult Plan::verifyGradients() const {
  for (auto &[name, info] : parameters)
    for (auto [a, b] :
         llvm::zip(info.gradients, llvm::drop_begin(info.gradients))) {
      if (a.use != b.use)
        continue;
      StageOp second = stages[b.stage], first = stages[a.stage];
      InFlightDiagnostic diagnostic =
          second.emitError()
          << "found the gradient of use " << b.use << " of @" << name.getValue()
          << " in stage " << b.stage << " and stage " << a.stage
          << ", expected each use in one stage";
      diagnostic.attachNote(first.getLoc()) << "the other stage is here";
      return diagnostic;
    }
  for (auto [stage, ofStage] : llvm::enumerate(functions)) {
    func::FuncOp whole = ofStage[unsigned(ActionKind::B)];
    func::FuncOp input = ofStage[unsigned(ActionKind::I)];
    func::FuncOp weight = ofStage[unsigned(ActionKind::W)];
    if (func::FuncOp forward = ofStage[unsigned(ActionKind::F)];
        !getAccumulators(forward).empty())
      return forward.emitError() << "found a gradient accumulator in a forward "
                                    "function, expected it in the backward";
    auto ofWhole = getAccumulators(whole);
    llvm::sort(ofWhole, [](auto &a, auto &b) {
      return std::pair(a.first.getValue(), a.second) <
             std::pair(b.first.getValue(), b.second);
    });
    if (auto it = std::adjacent_find(ofWhole.begin(), ofWhole.end());
        it != ofWhole.end())
      return whole.emitError()
             << "found two accumulators for use " << it->second << " of @"
             << it->first.getValue() << ", expected one";
    if (!input && !weight)
      continue;
    auto ofHalves = getAccumulators(input);
    llvm::append_range(ofHalves, getAccumulators(weight));
    llvm::sort(ofHalves, [](auto &a, auto &b) {
      return std::pair(a.first.getValue(), a.second) <
             std::pair(b.first.getValue(), b.second);
    });
    if (ofWhole != ofHalves)
      return StageOp(stages[stage]).emitError()
             << "found " << ofHalves.size()
             << " gradient accumulators in the halves of the backward and "
             << ofWhole.size()
             << " in the whole, expected the same uses in both";
  }
  return success();
}

/// The one forward function with a result that has `attribute`; null if there
/// is none.
static FailureOr<func::FuncOp>
findOfLoss(ArrayRef<std::array<func::FuncOp, 4>> functions,
           StringRef attribute) {
  func::FuncOp found;
  for (auto &ofStage : functions)
    for (ActionKind kind : kAllKinds) {
      func::FuncOp function = ofStage[unsigned(kind)];
      for (unsigned i = 0, e = function ? function.getNumResults() : 0; i != e;
           ++i) {
        if (!function.getResultAttr(i, attribute))
          continue;
        if (kind != ActionKind::F)
          return function.emitError()
                 << "found " << attribute
                 << " on a backward function, expected it on a result of a "
                    "forward";
        if (found) {
          InFlightDiagnostic diagnostic = function.emitError()
                                          << "found a second " << attribute
                                          << ", expected one";
          diagnostic.attachNote(found.getLoc()) << "the first is here";
          return diagnostic;
        }
        found = function;
      }
    }
  return found;
}

LogicalResult Plan::verifyLoss() const {
  FailureOr<func::FuncOp> loss = findOfLoss(functions, attr::kLoss);
  if (failed(loss) || failed(findOfLoss(functions, attr::kLossWeight)))
    return failure();
  if (!*loss)
    return ModuleOp(module).emitError()
           << "found no result with pp.loss, expected one "
              "in the forward of a stage";
  return success();
}

LogicalResult Plan::verifyOrder() const {
  std::vector<std::string> messages = schedule::verify(schedule);
  if (!messages.empty()) {
    for (const std::string &message : messages)
      ScheduleOp(scheduleOp).emitError() << message;
    return failure();
  }
  // Values by number, and for each the micro-batches that it has been produced
  // for: there are as many actions as micro-batches times stages.
  DenseMap<StringAttr, unsigned> numbers;
  struct Signature {
    SmallVector<std::pair<unsigned, StringAttr>> reads;
    SmallVector<unsigned> results;
  };
  DenseMap<Operation *, Signature> signatures;
  auto numberOf = [&](StringAttr name) {
    return numbers.try_emplace(name, numbers.size()).first->second;
  };
  for (auto &ofStage : functions)
    for (func::FuncOp function : ofStage) {
      if (!function)
        continue;
      Signature &signature = signatures[function];
      for (unsigned i = 0, e = function.getNumArguments(); i != e; ++i)
        if (StringAttr name = getArgumentValue(function, i))
          signature.reads.emplace_back(numberOf(name), name);
      for (unsigned i = 0, e = function.getNumResults(); i != e; ++i)
        if (StringAttr name = getResultValue(function, i))
          signature.results.push_back(numberOf(name));
    }
  std::vector<std::vector<bool>> produced(
      numbers.size(), std::vector<bool>(schedule.microbatches, false));

  // First value that an action waits for, null if it can run.
  auto missing = [&](const schedule::Action &action) -> StringAttr {
    func::FuncOp function = getFunction(action);
    if (function)
      for (auto [number, name] : signatures.find(function)->second.reads)
        if (!produced[number][action.microbatch])
          return name;
    return {};
  };
  SmallVector<size_t> next(schedule.ranks.size(), 0);
  bool progress = true;
  while (progress) {
    progress = false;
    for (auto [pipe, row] : llvm::enumerate(schedule.ranks)) {
      for (; next[pipe] != row.size() && !missing(row[next[pipe]]);
           ++next[pipe]) {
        progress = true;
        const schedule::Action &action = row[next[pipe]];
        if (func::FuncOp function = getFunction(action))
          for (unsigned number : signatures.find(function)->second.results)
            produced[number][action.microbatch] = true;
      }
    }
  }
  // Who produces a value for a micro-batch, if anyone.
  auto findProducer = [&](StringAttr name, int32_t microbatch)
      -> std::optional<std::pair<int64_t, schedule::Action>> {
    for (auto [pipe, row] : llvm::enumerate(schedule.ranks))
      for (const schedule::Action &action : row)
        if (func::FuncOp function = getFunction(action);
            function && action.microbatch == microbatch &&
            llvm::is_contained(signatures.find(function)->second.results,
                               numberOf(name)))
          return std::pair(int64_t(pipe), action);
    return std::nullopt;
  };
  for (auto [pipe, row] : llvm::enumerate(schedule.ranks)) {
    if (next[pipe] == row.size())
      continue;
    const schedule::Action &action = row[next[pipe]];
    StringAttr name = missing(action);
    InFlightDiagnostic diagnostic =
        ScheduleOp(scheduleOp).emitError()
        << "pipe coordinate " << pipe << " stops before action "
        << schedule::toString(action) << ", which reads '" << name.getValue()
        << "'";
    auto producer = findProducer(name, action.microbatch);
    if (!producer)
      return diagnostic << ": found no action that produces it for this "
                           "micro-batch, expected one in the schedule";
    diagnostic << ": found its producer "
               << schedule::toString(producer->second) << " on pipe coordinate "
               << producer->first
               << " where it is not reached, expected data-flow order: move "
                  "the producer forward";
    diagnostic.attachNote(getFunction(action).getLoc())
        << "the function which reads it is here";
    return diagnostic;
  }
  return success();
}

LogicalResult Plan::verify() const {
  if (failed(verifyValues()) || failed(verifyGradients()) ||
      failed(verifyLoss()))
    return failure();
  return verifyOrder();
}
