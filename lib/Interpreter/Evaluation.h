//===- Evaluation.h - The ops of a block, one after the other ---*- C++ -*-===//

#ifndef PP_LIB_INTERPRETER_EVALUATION_H
#define PP_LIB_INTERPRETER_EVALUATION_H

#include "Rules.h"

#include "pp/Interpreter/Interpreter.h"

namespace pp::interpreter {

using Values = llvm::DenseMap<mlir::Value, Tensor>;

/// The nearest number that bf16 has, of ties the even one.
double roundToBF16(double value);

class Evaluation {
public:
  /// `distorted` as in Interpreter::run.
  Evaluation(Tape &tape, const Noise &noise, llvm::StringRef distorted)
      : tape(tape), noise(noise), distorted(distorted) {}

  /// Adds the results of all ops but the last to `values`, which has the
  /// arguments of the block. Fails after emitting what is wrong.
  llvm::Error run(mlir::Block &block, Values &values,
                  const Surroundings &around);

private:
  void finish(mlir::Operation *op, Tensor &result);

  RuleTable rules;
  Tape &tape;
  const Noise &noise;
  llvm::StringRef distorted;
};

} // namespace pp::interpreter

#endif // PP_LIB_INTERPRETER_EVALUATION_H
