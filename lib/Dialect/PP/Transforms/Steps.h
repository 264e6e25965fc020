//===- Steps.h - A rank program, every round executed -----------*- C++ -*-===//
//
// A step is an op for a micro-batch. Ops that differ by their micro-batch only
// are one series, so a program is a list of pairs of small numbers, however
// many micro-batches and rounds there are. Passes put steps in order; what
// repeats in that order becomes the loops of the program.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIB_DIALECT_PP_TRANSFORMS_STEPS_H
#define PP_LIB_DIALECT_PP_TRANSFORMS_STEPS_H

#include "pp/Dialect/PP/IR/PPOps.h"
#include "pp/Schedule/Loops.h"

#include <optional>
#include <vector>

namespace pp {

class Steps {
public:
  /// Micro-batch of what a training step does once.
  static constexpr int32_t kOnce = -1;

  using Step = schedule::Step;

  /// What the steps of a series have in common.
  struct Series {
    mlir::Operation *op; ///< one of them
    /// Series and result of each operand.
    llvm::SmallVector<std::pair<uint32_t, unsigned>, 2> operands;
    bool isOnce; ///< its steps have no micro-batch
  };

  /// No steps: ops that addSeries() is told of stand in the program. What
  /// repeats long enough is a loop later, if there may be any.
  Steps(ProgramOp program, bool mayLoop) : program(program), mayLoop(mayLoop) {}

  /// Those of a program, which may have loops if it has some. Where an op reads
  /// what was made for another micro-batch, each op is a series of its own, of
  /// steps without micro-batch.
  static Steps read(ProgramOp program);

  uint32_t addSeries(mlir::Operation *op);
  void append(uint32_t series, int32_t microbatch) {
    steps.push_back({series, microbatch});
  }

  llvm::ArrayRef<Step> get() const { return steps; }
  void set(std::vector<Step> given) { steps = std::move(given); }
  const Series &seriesOf(const Step &step) const { return all[step.series]; }
  llvm::ArrayRef<Series> getSeries() const { return all; }

  /// Moves each step right in front of another one that stays, in the order in
  /// which they stood; nothing for steps that stay.
  void move(llvm::ArrayRef<std::optional<size_t>> before);

  /// Makes the steps the body of the program. Returns the number of loops.
  unsigned write();

private:
  class Writer;

  ProgramOp program;
  bool mayLoop;
  std::vector<Series> all;
  llvm::DenseMap<mlir::Operation *, uint32_t> numbers;
  std::vector<Step> steps;
};

} // namespace pp

#endif // PP_LIB_DIALECT_PP_TRANSFORMS_STEPS_H
