//===- StepFunctions.cpp - Functions of the end of a step -----------------===//

#include "pp/Dialect/PP/IR/StepFunctions.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace pp;

StepFunctions::StepFunctions(ModuleOp module) {
  for (auto function : module.getOps<func::FuncOp>()) {
    auto name = function->getAttrOfType<StringAttr>(attr::kRole);
    if (!name)
      continue;
    auto first =
        function.getNumArguments() == 0
            ? RankedTensorType()
            : dyn_cast<RankedTensorType>(function.getArgumentTypes().front());
    int64_t elements = first ? first.getNumElements() : 0;
    if (name == role::kConclude)
      elements = 0; // there is one
    bool hasCopy = llvm::any_of(function.getResultTypes(), [](Type type) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      return tensor && tensor.getElementType().isBF16();
    });
    known.try_emplace(
        {name.getValue(), elements, hasCopy, function->hasAttr(attr::kDecays)},
        all.size());
    all.push_back(function);
  }
  for (auto optimizer : module.getOps<OptimizerOp>())
    optimizers.push_back(optimizer.getName());
  for (auto schedule : module.getOps<ScheduleOp>())
    blocks = schedule.getNumGroups() / schedule.getReplicas();
}

int64_t pp::getPieceElements(int64_t elements, int64_t groups) {
  if (groups == 1)
    return elements;
  return llvm::alignTo(llvm::divideCeil(elements, groups), kPieceMultiple);
}

func::FuncOp StepFunctions::lookup(const Key &key) const {
  auto it = known.find(key);
  return it == known.end() ? func::FuncOp() : all[it->second];
}

func::FuncOp StepFunctions::forGradient(StringRef role, Type type) const {
  return lookup(
      {role, cast<RankedTensorType>(type).getNumElements(), false, false});
}

func::FuncOp StepFunctions::forNorm(Type piece) const {
  return lookup({role::kSumOfSquares,
                 cast<RankedTensorType>(piece).getNumElements() / blocks, false,
                 false});
}

func::FuncOp StepFunctions::forUpdate(StringRef optimizer,
                                      ParameterOp parameter, Type type) const {
  return lookup({optimizer, cast<RankedTensorType>(type).getNumElements(),
                 parameter.hasMaster(), parameter.hasDecay()});
}

SmallVector<func::FuncOp> StepFunctions::forUpdates(ParameterOp parameter,
                                                    Type type) const {
  SmallVector<func::FuncOp> result;
  for (StringRef optimizer : optimizers)
    result.push_back(forUpdate(optimizer, parameter, type));
  return result;
}

func::FuncOp StepFunctions::conclude() const {
  return lookup({role::kConclude, 0, false, false});
}

int64_t StepFunctions::indexOf(func::FuncOp function) const {
  const auto *it = llvm::find(all, function);
  return function && it != all.end() ? it - all.begin() : -1;
}

bool pp::hasLossWeights(ModuleOp module) {
  return llvm::any_of(module.getOps<func::FuncOp>(), [](func::FuncOp function) {
    return llvm::any_of(
        llvm::seq(function.getNumResults()), [&](unsigned result) {
          return bool(function.getResultAttr(result, attr::kLossWeight));
        });
  });
}

int64_t pp::getMostWorkspace(ArrayRef<func::FuncOp> functions) {
  int64_t most = 0;
  for (func::FuncOp function : functions)
    if (auto bytes =
            function ? function->getAttrOfType<IntegerAttr>(attr::kWorkspace)
                     : IntegerAttr())
      most = std::max(most, bytes.getInt());
  return most;
}

ParameterStates::ParameterStates(ModuleOp module) {
  llvm::SetVector<StringRef, SmallVector<StringRef>> all;
  all.insert(StateOp::kMaster);
  for (auto optimizer : module.getOps<OptimizerOp>())
    for (auto kind : optimizer.getStates().getAsRange<StringAttr>())
      all.insert(kind.getValue());
  for (auto state : module.getOps<StateOp>()) {
    all.insert(state.getKind());
    states[{state.getParameterAttr().getAttr(), state.getKind()}] = state;
  }
  kinds = all.takeVector();
}

SmallVector<StateOp>
ParameterStates::of(ArrayRef<StringAttr> parameters) const {
  SmallVector<StateOp> result;
  for (StringRef kind : kinds)
    for (StringAttr parameter : parameters)
      if (StateOp state = states.lookup({parameter, kind}))
        result.push_back(state);
  return result;
}
