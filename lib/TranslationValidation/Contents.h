//===- Contents.h - Names of what memory holds -----------------*- C++ -*-===//
//
// What a program writes and reads, as one number each: a value by the name that
// it moves by and its micro-batch, a parameter, an accumulator, a state. What
// has no name is told by its SSA value.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIB_TRANSLATIONVALIDATION_CONTENTS_H
#define PP_LIB_TRANSLATIONVALIDATION_CONTENTS_H

#include "StageValidation.h"

#include "pp/Dialect/PP/IR/PPOps.h"

namespace pp {

class Contents {
public:
  explicit Contents(const ModuleFunctions &functions) : functions(functions) {}

  uint64_t ofParameter(llvm::StringRef name) {
    return make(Parameter, numberOf(name));
  }
  uint64_t ofGradient(llvm::StringRef name, int64_t use) {
    return make(Gradient, numberOf(name), use);
  }
  /// State `position` of a parameter's optimizer.
  uint64_t ofState(llvm::StringRef name, int64_t position) {
    return make(State, numberOf(name), position);
  }
  /// With micro-batch 0, others are added by `|`.
  uint64_t ofMicrobatch(llvm::StringRef name, int64_t microbatch) {
    return make(Microbatch, numberOf(name), microbatch);
  }
  /// The own piece of a parameter; the others are not what they should be.
  uint64_t ofPieces(llvm::StringRef name) {
    return make(Pieces, numberOf(name));
  }
  /// Zeros behind an accumulator.
  uint64_t ofPadding() { return make(Padding, 0); }
  /// What a collective has in hand: its result (0) or its workspace (1).
  uint64_t inHand(int64_t collective, int64_t which) {
    return make(Collective, which, collective);
  }
  /// What a receive has in hand.
  uint64_t inFlight(int64_t request) { return make(InFlight, 0, request); }

  /// Where `value` is read for a micro-batch; without one, for that of the op
  /// that makes it.
  uint64_t of(mlir::Value value, std::optional<int64_t> microbatch);

  /// The name by which a value of a micro-batch moves; nothing for others.
  std::optional<llvm::StringRef> nameOf(mlir::Value value) const;

private:
  enum Kind : uint64_t {
    Microbatch,
    Step, ///< a value that a step makes once
    Parameter,
    Gradient,
    State,
    InFlight,
    Collective,
    Pieces,
    Padding
  };
  static uint64_t make(Kind kind, uint64_t name, uint64_t index = 0) {
    return uint64_t(kind) << 60 | name << 32 | (index & 0xffffffff);
  }
  uint64_t numberOf(llvm::StringRef name) {
    return names.try_emplace(name, names.size()).first->second;
  }

  const ModuleFunctions &functions;
  llvm::StringMap<uint64_t> names;
  llvm::DenseMap<mlir::Value, uint64_t> steps;
};

} // namespace pp

#endif // PP_LIB_TRANSLATIONVALIDATION_CONTENTS_H
