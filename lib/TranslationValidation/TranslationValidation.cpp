//===- TranslationValidation.cpp - Native code against programs -----------===//
//
// Programs know nothing of each other here, so that they are validated side by
// side; the first disagreement in the order of ranks is reported.
//
//===----------------------------------------------------------------------===//

#include "pp/TranslationValidation/TranslationValidation.h"

#include "ProgramValidation.h"

#include "mlir/IR/Threading.h"

using namespace mlir;
using namespace pp;

/// The first disagreement, if any.
static std::optional<Disagreement>
findDisagreement(ModuleOp module, StringRef description, bool isParallel) {
  Disagreement found;
  std::optional<DescribedModule> described =
      DescribedModule::read(module, description, found);
  if (!described)
    return found;
  GlobalTables tables(module);
  ModuleFunctions functions(module);
  functions.onDevice =
      described->root.getAsObject()->getString("target") == "cuda";
  SmallVector<ProgramOp> programs(module.getOps<ProgramOp>());
  std::vector<std::optional<Disagreement>> results(programs.size());
  auto validate = [&](size_t i) {
    Disagreement one;
    if (!validateProgram(programs[i], *described, tables, functions, one))
      results[i] = std::move(one);
  };
  if (isParallel)
    parallelFor(module.getContext(), 0, programs.size(), validate);
  else
    for (size_t i = 0; i != programs.size(); ++i)
      validate(i);
  for (std::optional<Disagreement> &result : results)
    if (result)
      return std::move(result);
  return std::nullopt;
}

LogicalResult pp::validateLowering(ModuleOp module, StringRef description) {
  std::optional<Disagreement> found =
      findDisagreement(module, description, /*isParallel=*/true);
  if (!found)
    return success();
  InFlightDiagnostic diagnostic = found->op->emitOpError(found->text);
  diagnostic.attachNote() << "the program that was proven is not the one that "
                             "would run: an error of pp-lower-programs, which "
                             "--unroll may avoid; please report it with the "
                             "model and the options";
  return diagnostic;
}

//===----------------------------------------------------------------------===//
// Mutations
//===----------------------------------------------------------------------===//

namespace {
/// A number of native code: a constant op, or an element of a table.
struct MutableNumber {
  Operation *op;
  int64_t element; ///< -1: the constant
};
} // namespace

/// Numbers of step functions and of the stage functions that they call. What a
/// program writes before it reads has no number of its own, and says so by -1.
static SmallVector<MutableNumber> collectNumbers(ModuleOp module) {
  SmallVector<MutableNumber> numbers;
  llvm::DenseSet<StringAttr> called; // functions and globals
  for (bool isStep : {true, false})
    for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
      if (function.getSymName().starts_with("pp.step.") != isStep ||
          (!isStep && !called.contains(function.getSymNameAttr())))
        continue;
      function.walk([&](Operation *op) {
        if (auto call = dyn_cast<LLVM::CallOp>(op); call && call.getCallee())
          called.insert(call.getCalleeAttr().getAttr());
        if (auto address = dyn_cast<LLVM::AddressOfOp>(op))
          called.insert(address.getGlobalNameAttr().getAttr());
        if (auto constant = dyn_cast<LLVM::ConstantOp>(op))
          if (isa<IntegerAttr>(constant.getValue()))
            numbers.push_back({constant, -1});
      });
    }
  for (auto global : module.getOps<LLVM::GlobalOp>()) {
    if (!called.contains(global.getSymNameAttr()))
      continue;
    auto type = dyn_cast<LLVM::LLVMArrayType>(global.getType());
    auto values =
        dyn_cast_or_null<DenseIntElementsAttr>(global.getValueOrNull());
    if (!values || !type || !type.getElementType().isInteger(64))
      continue;
    for (auto [i, value] : llvm::enumerate(values.getValues<int64_t>()))
      if (value != -1)
        numbers.push_back({global, int64_t(i)});
  }
  return numbers;
}

/// Adds to a number, and returns the attribute that was there.
static Attribute mutate(const MutableNumber &number, int64_t delta) {
  if (auto constant = dyn_cast<LLVM::ConstantOp>(number.op)) {
    auto before = cast<IntegerAttr>(constant.getValue());
    constant.setValueAttr(
        IntegerAttr::get(before.getType(), before.getValue() + delta));
    return before;
  }
  auto global = cast<LLVM::GlobalOp>(number.op);
  auto before = cast<DenseIntElementsAttr>(*global.getValue());
  SmallVector<int64_t> values(before.getValues<int64_t>());
  values[number.element] += delta;
  global.setValueAttr(
      DenseIntElementsAttr::get(cast<ShapedType>(before.getType()), values));
  return before;
}

static void restore(const MutableNumber &number, Attribute before) {
  if (auto constant = dyn_cast<LLVM::ConstantOp>(number.op))
    constant.setValueAttr(cast<TypedAttr>(before));
  else
    cast<LLVM::GlobalOp>(number.op).setValueAttr(before);
}

MutationCount pp::countRefusedMutations(ModuleOp module, StringRef description,
                                        unsigned limit) {
  MutationCount result;
  SmallVector<MutableNumber> numbers = collectNumbers(module);
  size_t stride = std::max<size_t>(1, numbers.size() / std::max(1u, limit));
  for (size_t i = 0; i < numbers.size(); i += stride) {
    // By one and by one unit of alignment, in turn.
    int64_t delta = result.tried % 2 ? 64 : 1;
    Attribute before = mutate(numbers[i], delta);
    ++result.tried;
    if (findDisagreement(module, description, /*isParallel=*/false)) {
      ++result.refused;
    } else {
      std::string text;
      llvm::raw_string_ostream stream(text);
      if (numbers[i].element < 0) {
        stream << *numbers[i].op << " for "
               << **numbers[i].op->getUsers().begin() << " in '"
               << numbers[i].op->getParentOfType<LLVM::LLVMFuncOp>().getName()
               << "'";
      } else {
        stream << "entry " << numbers[i].element << " of '"
               << cast<LLVM::GlobalOp>(numbers[i].op).getSymName() << "'";
      }
      result.missed.push_back(std::move(text));
    }
    restore(numbers[i], before);
  }
  return result;
}
