//===- StepChecks.h - Calls of a step function and memory ------*- C++ -*-===//
//
// What the validation of a program takes the calls of its step function by, and
// knows of memory; what each op of the program must have become is said where
// this is used.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIB_TRANSLATIONVALIDATION_STEPCHECKS_H
#define PP_LIB_TRANSLATIONVALIDATION_STEPCHECKS_H

#include "Contents.h"
#include "PlannedPlaces.h"
#include "ProgramValidation.h"
#include "StageAccesses.h"
#include "SymbolicMemory.h"

namespace pp {

class StepChecks {
protected:
  /// What the step function is given, and what calls answer.
  static constexpr int64_t kContext = int64_t(1) << 60;
  static constexpr int64_t kArena = int64_t(1) << 56;
  static constexpr int64_t kDataPointers = int64_t(1) << 58;
  static constexpr int64_t kKeys = int64_t(1) << 57;
  static constexpr int64_t kPieces = int64_t(1) << 59;

  StepChecks(ProgramOp program, const DescribedModule &described,
             const GlobalTables &given, const ModuleFunctions &functions,
             Disagreement &disagreement)
      : program(program), described(described), tables(given),
        functions(functions), disagreement(disagreement), contents(functions),
        plan(program) {}

  bool fail(const llvm::Twine &found, const llvm::Twine &expected) {
    std::string text =
        ("found " + found + " in the native code, expected " + expected).str();
    if (shift)
      text += ", " + std::to_string(shift) + " micro-batches later";
    disagreement = {current, std::move(text)};
    return false;
  }

  //===--------------------------------------------------------------------===//
  // Calls
  //===--------------------------------------------------------------------===//

  bool next(const llvm::Twine &expected) {
    switch (execution->run()) {
    case Execution::Stop::Call:
      operands = execution->operands();
      return true;
    case Execution::Stop::Return:
      return fail("the end", expected);
    case Execution::Stop::Fault:
      return fail(execution->error, expected);
    }
    llvm_unreachable("unknown stop");
  }

  std::string nameOfCall() const {
    mlir::StringAttr callee = execution->callee();
    return callee ? "a call of '" + callee.str() + "'" : "a copy of memory";
  }

  /// The next call is of `name` and begins with the given operands, of which
  /// nothing says that any will do; its operands are `operands` then.
  bool expect(llvm::StringRef name,
              llvm::ArrayRef<std::pair<llvm::StringRef, std::optional<int64_t>>>
                  expected) {
    if (!next("a call of '" + name + "'"))
      return false;
    if (!execution->callee() || execution->callee().getValue() != name)
      return fail(nameOfCall(), "a call of '" + name + "'");
    if (operands.size() != expected.size())
      return fail(llvm::Twine(operands.size()) + " operands of '" + name + "'",
                  llvm::Twine(expected.size()));
    for (auto [operand, one] : llvm::zip(operands, expected))
      if (one.second && operand != *one.second)
        return fail("the number " + llvm::Twine(operand) + " as " + one.first +
                        " of '" + name + "'",
                    llvm::Twine(*one.second));
    return true;
  }

  /// The next call copies memory, as `copied` says.
  bool expectCopy() {
    if (!next("a copy of memory"))
      return false;
    mlir::StringAttr callee = execution->callee();
    copyBegin = callee ? 1 : 0; // behind the context
    if ((callee && (callee.getValue() != "pprt_gpu_copy" || operands.empty() ||
                    operands[0] != kContext)) ||
        operands.size() < copyBegin + 3)
      return fail(nameOfCall(), "a copy of memory");
    return true;
  }
  /// Target, source and bytes.
  std::tuple<int64_t, int64_t, int64_t> copied() const {
    return {operands[copyBegin], operands[copyBegin + 1],
            operands[copyBegin + 2]};
  }

  /// Checks the marks of an action around what `body` checks, and what the
  /// description says of it.
  bool action(llvm::StringRef kind, int64_t stage, int64_t microbatch,
              int64_t peer, llvm::StringRef name,
              llvm::function_ref<bool()> body) {
    if (nextAction == actions->size())
      return fail("no further action in the description", "one for this op");
    if (!actions->matches(nextAction, kind, name, stage, microbatch, peer))
      return fail("another action " + llvm::Twine(nextAction) +
                      " in the description",
                  "'" + kind + "' of '" + name + "' for micro-batch " +
                      llvm::Twine(microbatch));
    int64_t index = firstAction + nextAction++;
    return expect("pprt_action_begin",
                  {{"context", kContext}, {"action", index}}) &&
           body() &&
           expect("pprt_action_end",
                  {{"context", kContext}, {"action", index}});
  }

  //===--------------------------------------------------------------------===//
  // Memory
  //===--------------------------------------------------------------------===//

  bool isInArena(int64_t address, uint64_t bytes) {
    if (address >= kArena && address % memory::kAlignment == 0 &&
        uint64_t(address - kArena) + bytes <= uint64_t(arenaBytes))
      return true;
    return fail("an address " + llvm::Twine(address - kArena) +
                    " behind the arena",
                llvm::Twine(bytes) + " aligned bytes in the " +
                    llvm::Twine(arenaBytes) + " of the arena");
  }
  /// Whether an operand lies where it should, untouched.
  bool holds(int64_t address, uint64_t bytes, uint64_t expected,
             llvm::StringRef what) {
    if (memory.find(address, bytes, expected))
      return true;
    return fail("memory at " + llvm::Twine(address - kArena) +
                    " that does not hold '" + what + "'",
                "the place where it was written last");
  }
  bool holdsValue(int64_t address, mlir::Value value,
                  std::optional<int64_t> microbatch) {
    return holds(address, countBytes(value.getType()),
                 contents.of(value, microbatch),
                 contents.nameOf(value).value_or("its operand"));
  }

  bool isPlanned(int64_t address, int64_t planned, llvm::StringRef what) {
    if (planned < 0 || address == kArena + planned)
      return true;
    return fail("'" + what + "' at " + llvm::Twine(address - kArena),
                llvm::Twine(planned) + " as planned");
  }

  ProgramOp program;
  const DescribedModule &described;
  TableState tables;
  const ModuleFunctions &functions;
  Disagreement &disagreement;
  std::optional<Execution> execution;
  llvm::ArrayRef<int64_t> operands; ///< of the call at hand
  SymbolicMemory memory;
  Contents contents;
  PlannedPlaces plan;
  llvm::StringMap<int64_t> parameterAt;
  llvm::DenseMap<mlir::Value, int64_t> receivedAt;
  std::optional<DescribedActions> actions;
  int64_t arenaBytes = 0;
  size_t firstAction = 0, nextAction = 0, copyBegin = 0;
  mlir::Operation *current = nullptr;
  int64_t shift = 0; ///< micro-batches that the loop has passed
};

} // namespace pp

#endif // PP_LIB_TRANSLATIONVALIDATION_STEPCHECKS_H
