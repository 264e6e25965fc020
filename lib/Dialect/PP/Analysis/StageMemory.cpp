//===- StageMemory.cpp - What stages hold ---------------------------------===//

#include "pp/Dialect/PP/Analysis/StageMemory.h"
#include "pp/Dialect/PP/Analysis/ParameterMemory.h"
#include "pp/Dialect/PP/Analysis/Plan.h"
#include "pp/Interfaces/CostOpInterface.h"

#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace pp;

namespace {
/// The bytes of one stage, each value and parameter once.
class StageBytes {
public:
  /// `replicas`: over which states are cut.
  explicit StageBytes(int64_t replicas) : replicas(replicas) {}

  /// Values that `function` reads, of those in `of`; all if it is null.
  int64_t readBy(func::FuncOp function, const llvm::StringSet<> *of,
                 llvm::StringSet<> &seen) {
    int64_t bytes = 0;
    if (!function)
      return 0;
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (StringAttr name = getArgumentValue(function, i))
        if ((!of || of->contains(name)) && seen.insert(name).second)
          bytes += pp::detail::sumOfBytes(function.getArgumentTypes()[i]);
    return bytes;
  }

  /// Parameters and gradients that `function` takes. The stage with the first
  /// use of a parameter owns it.
  void addParameters(func::FuncOp function, SymbolTableCollection &symbols) {
    if (!function)
      return;
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      int64_t size = pp::detail::sumOfBytes(function.getArgumentTypes()[i]);
      if (auto name = function.getArgAttrOfType<StringAttr>(i, attr::kParam))
        fixed += params.insert(name).second ? size : 0;
      auto name = function.getArgAttrOfType<StringAttr>(i, attr::kGrad);
      auto use = function.getArgAttrOfType<IntegerAttr>(i, attr::kUse);
      if (!name || !use ||
          !gradients.insert((name.getValue() + "#" + Twine(use.getInt())).str())
               .second)
        continue;
      fixed += size;
      if (use.getInt() != 0)
        continue;
      if (auto parameter =
              symbols.lookupNearestSymbolFrom<ParameterOp>(function, name))
        fixed += ParameterMemory(parameter.getLocalType()).states(replicas);
    }
  }

  int64_t fixed = 0;

private:
  const int64_t replicas;
  llvm::StringSet<> params, gradients;
};
} // namespace

static func::FuncOp lookup(StageOp stage, FlatSymbolRefAttr name,
                           SymbolTableCollection &symbols) {
  return name ? symbols.lookupNearestSymbolFrom<func::FuncOp>(stage, name)
              : func::FuncOp();
}

/// The names of what forwards make.
static llvm::StringSet<> valuesOfForwards(ArrayRef<StageOp> stages,
                                          SymbolTableCollection &symbols) {
  llvm::StringSet<> names;
  for (StageOp stage : stages) {
    func::FuncOp forward = lookup(stage, stage.getForwardAttr(), symbols);
    for (unsigned i = 0; i < forward.getNumResults(); ++i)
      if (StringAttr name = getResultValue(forward, i))
        names.insert(name.getValue());
  }
  return names;
}

/// The most bytes that results of the function's ops are alive with at once;
/// what it returns lies elsewhere.
static int64_t mostAlive(func::FuncOp function) {
  if (function.isExternal())
    return 0;
  int64_t alive = 0, most = 0;
  DenseMap<Value, unsigned> usesLeft;
  for (Operation &op : function.getBody().front()) {
    for (OpResult result : op.getResults()) {
      bool isReturned = llvm::any_of(result.getUsers(), [](Operation *user) {
        return user->hasTrait<OpTrait::IsTerminator>();
      });
      if (isReturned || result.use_empty() ||
          op.hasTrait<OpTrait::ConstantLike>())
        continue;
      usesLeft[result] = std::distance(result.use_begin(), result.use_end());
      alive += pp::detail::sumOfBytes(result.getType());
    }
    most = std::max(most, alive);
    op.walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (auto left = usesLeft.find(operand);
            left != usesLeft.end() && --left->second == 0)
          alive -= pp::detail::sumOfBytes(operand.getType());
    });
  }
  return most;
}

namespace {
/// What the actions of a stage need while they run.
class StageMoments {
public:
  StageMoments(StageOp stage, const llvm::StringSet<> &ofForwards,
               SymbolTableCollection &symbols)
      : stage(stage), ofForwards(ofForwards), symbols(symbols) {}

  /// Of one function. `counted` are the values that the stage's memory counts
  /// at that time: residuals, and in halves what I hands to W. A function that
  /// makes such values holds them beside what it still reads.
  int64_t of(FlatSymbolRefAttr name, const llvm::StringSet<> &counted,
             bool countsResults) {
    func::FuncOp function = lookup(stage, name, symbols);
    if (!function)
      return 0;
    int64_t moved = 0, handed = 0, inside = 0;
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (StringAttr value = getArgumentValue(function, i))
        if (!counted.contains(value))
          moved += pp::detail::sumOfBytes(function.getArgumentTypes()[i]);
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      if (StringAttr value = getResultValue(function, i))
        (counted.contains(value) ? handed : moved) +=
            pp::detail::sumOfBytes(function.getResultTypes()[i]);
    // What the calls hand to each other, and the largest layer.
    function.walk([&](func::CallOp call) {
      auto callee = symbols.lookupNearestSymbolFrom<func::FuncOp>(
          call, call.getCalleeAttr());
      auto [known, isNew] = layers.try_emplace(callee);
      if (isNew)
        known->second = mostAlive(callee);
      inside = std::max(inside, known->second);
    });
    return 2 * moved + (countsResults ? handed : 0) + inside +
           mostAlive(function);
  }

  /// Residuals, and with `halves` also what W reads.
  llvm::StringSet<> countedValues(bool halves) {
    llvm::StringSet<> counted;
    auto add = [&](FlatSymbolRefAttr name, bool all) {
      if (func::FuncOp function = lookup(stage, name, symbols))
        for (unsigned i = 0; i < function.getNumArguments(); ++i)
          if (StringAttr value = getArgumentValue(function, i))
            if (all || ofForwards.contains(value))
              counted.insert(value);
    };
    add(stage.getBackwardAttr(), false);
    add(stage.getBackwardInputAttr(), false);
    add(stage.getBackwardWeightAttr(), halves);
    return counted;
  }

private:
  StageOp stage;
  const llvm::StringSet<> &ofForwards;
  SymbolTableCollection &symbols;
  DenseMap<Operation *, int64_t> layers;
};
} // namespace

schedule::Memory pp::memoryOf(ArrayRef<StageOp> stages, int64_t replicas) {
  SymbolTableCollection symbols;
  llvm::StringSet<> ofForwards = valuesOfForwards(stages, symbols);
  schedule::Memory memory;
  memory.activation.clear();
  memory.fixed.clear();
  for (StageOp stage : stages) {
    func::FuncOp input = lookup(stage, stage.getBackwardInputAttr(), symbols);
    func::FuncOp weight = lookup(stage, stage.getBackwardWeightAttr(), symbols);
    StageBytes bytes(replicas);
    llvm::StringSet<> kept, after;
    int64_t activation = 0;
    for (func::FuncOp function :
         {lookup(stage, stage.getBackwardAttr(), symbols), input, weight}) {
      activation += bytes.readBy(function, &ofForwards, kept);
      bytes.addParameters(function, symbols);
    }
    bytes.addParameters(lookup(stage, stage.getForwardAttr(), symbols),
                        symbols);
    memory.activation.push_back(activation);
    // Without halves, or with nothing to do in I, W finds everything.
    memory.afterInputGradient.push_back(
        input ? bytes.readBy(weight, nullptr, after) : activation);
    memory.fixed.push_back(bytes.fixed);

    StageMoments moments(stage, ofForwards, symbols);
    llvm::StringSet<> residuals = moments.countedValues(/*halves=*/false);
    llvm::StringSet<> halves = moments.countedValues(/*halves=*/true);
    // The residuals of a forward count from its start.
    memory.duringForward.push_back(
        moments.of(stage.getForwardAttr(), residuals, false));
    memory.duringBackward.push_back(
        moments.of(stage.getBackwardAttr(), residuals, true));
    memory.duringInputGradient.push_back(
        moments.of(stage.getBackwardInputAttr(), halves, true));
    memory.duringWeightGradient.push_back(
        moments.of(stage.getBackwardWeightAttr(), halves, true));
  }
  return memory;
}
