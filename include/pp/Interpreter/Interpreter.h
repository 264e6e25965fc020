//===- Interpreter.h - A training step in double precision ------*- C++ -*-===//
//
// What a compiled program computes in one step, read off the model level alone:
// the loss and the gradient of each parameter. It shares neither the compiler's
// differentiation nor its code generation nor its runtime, so that compiled
// programs can be compared with it.
//
//===----------------------------------------------------------------------===//

#ifndef PP_INTERPRETER_INTERPRETER_H
#define PP_INTERPRETER_INTERPRETER_H

#include "pp/Dialect/PP/IR/PPOps.h"

#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace pp::interpreter {

/// Row-major elements of a parameter or of its gradient.
using Numbers = std::vector<double>;

/// The step to compute; as the options of a compiled program of that name.
struct Step {
  int64_t microbatches = 8;
  int64_t number = 0; ///< counts from 0
  uint64_t seed = 1;
  int64_t documentEnd = -1; ///< the token that ends a document
};

/// Arithmetic with errors, see Tape.h.
struct Noise {
  double scalar = 0; ///< relative error of each operation on two numbers
  double tensor = 0; ///< that of each element of an op's result, and of
                     ///< parameters
  uint64_t seed = 0;
};

struct StepResult {
  double loss = 0;               ///< weighted mean over the micro-batches
  std::vector<Numbers> gradient; ///< of that mean, by parameter
};

/// A file of tokens: bytes, or little-endian words of 2 or 4 bytes.
class TokenFile {
public:
  /// `width`: bytes a token.
  static llvm::Expected<TokenFile> read(llvm::StringRef path, unsigned width);
  uint64_t size() const { return tokens.size(); }
  int64_t operator[](uint64_t i) const { return tokens[i]; }

private:
  std::vector<int64_t> tokens;
};

class Interpreter {
public:
  /// `model` must outlive the interpreter.
  static llvm::Expected<Interpreter> create(ModelOp model);

  /// In the model's order.
  llvm::ArrayRef<ParamOp> parameters() const { return params; }

  /// First values of all parameters, as f32 has them.
  std::vector<Numbers> initialize(uint64_t seed) const;

  /// Values of all parameters from a file of safetensors in f32.
  llvm::Expected<std::vector<Numbers>> load(llvm::StringRef path) const;

  /// Writes `values` as safetensors in f64.
  llvm::Error save(llvm::StringRef path,
                   const std::vector<Numbers> &values) const;

  /// Computes a step. Fails after emitting an error, or with one.
  /// `distorted`: the name of an op whose results are made wrong by 1/64, to
  /// see that comparisons can fail; empty for none.
  llvm::Expected<StepResult> run(const std::vector<Numbers> &values,
                                 const TokenFile &file, const Step &step,
                                 const Noise &noise,
                                 llvm::StringRef distorted = "") const;

private:
  explicit Interpreter(ModelOp model) : model(model) {}

  ModelOp model;
  std::vector<ParamOp> params;
};

struct BlockResult {
  std::vector<Numbers> results;   ///< operands of the block's terminator
  std::vector<Numbers> gradients; ///< by argument, empty for integers
};

/// The ops of a function's or layer's body: results, and the gradient of their
/// sum with `weights` (one list a result) by each argument.
llvm::Expected<BlockResult> evaluate(mlir::Block &block,
                                     const std::vector<Numbers> &arguments,
                                     const std::vector<Numbers> &weights);

/// Whether the interpreter knows the op.
bool hasRule(mlir::OperationName name);

} // namespace pp::interpreter

#endif // PP_INTERPRETER_INTERPRETER_H
