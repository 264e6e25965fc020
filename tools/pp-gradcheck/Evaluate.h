//===- Evaluate.h - Differentiated functions on numbers ---------*- C++ -*-===//

#ifndef PP_TOOLS_PP_GRADCHECK_EVALUATE_H
#define PP_TOOLS_PP_GRADCHECK_EVALUATE_H

#include "pp/Dialect/NN/Transforms/Differentiation.h"

#include "mlir/ExecutionEngine/ExecutionEngine.h"

#include <memory>
#include <vector>

namespace pp::gradcheck {

/// Elements of a tensor, or one scalar, in double precision whatever their
/// type is: f32 and integers up to 53 bits are exact.
using Numbers = std::vector<double>;

/// A function with its derivative in native code.
class Compiled {
public:
  /// Differentiates and lowers a copy of `function`. Floats of another width
  /// than `width` (32 or 64) are converted to it. Arguments with
  /// `nn.accumulate` or `nn.constant` as in nn-differentiate.
  static llvm::Expected<std::unique_ptr<Compiled>>
  create(mlir::func::FuncOp function, unsigned width);

  /// The results of the function.
  llvm::Expected<std::vector<Numbers>>
  evaluate(const std::vector<Numbers> &arguments);

  /// Result of the backward function for each argument of the function, empty
  /// where it has none. `cotangents`: one a result. `accumulators`: one an
  /// argument, read for those that are accumulated.
  llvm::Expected<std::vector<Numbers>>
  differentiate(const std::vector<Numbers> &arguments,
                const std::vector<Numbers> &cotangents,
                const std::vector<Numbers> &accumulators);

  /// Type of each argument and result of the function.
  llvm::SmallVector<mlir::Type> argumentTypes, resultTypes;
  /// Whether the argument's gradient is added to an accumulator.
  llvm::SmallVector<bool> accumulated;

private:
  /// A function and where its results go.
  struct Entry {
    std::string name;
    llvm::SmallVector<mlir::Type> arguments, results;
    /// The argument that a result overwrites, or -1.
    llvm::SmallVector<int64_t> inPlace;
    int64_t workspace = 0;
  };
  llvm::Expected<std::vector<Numbers>>
  call(const Entry &entry, const std::vector<Numbers> &arguments);
  static Entry describe(mlir::func::FuncOp function);

  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::unique_ptr<mlir::ExecutionEngine> engine;
  nn::DifferentiatedFunction functions;
  Entry forward, backward;
};

} // namespace pp::gradcheck

#endif // PP_TOOLS_PP_GRADCHECK_EVALUATE_H
