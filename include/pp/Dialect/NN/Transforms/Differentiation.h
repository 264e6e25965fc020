//===- Differentiation.h - Reverse-mode differentiation ---------*- C++ -*-===//
//
// Splits a function of nn/arith/math ops into a forward function that also
// returns its residuals and a backward function that turns cotangents of the
// outputs into cotangents of the inputs and into updated gradient accumulators.
//
//===----------------------------------------------------------------------===//

#ifndef PP_DIALECT_NN_TRANSFORMS_DIFFERENTIATION_H
#define PP_DIALECT_NN_TRANSFORMS_DIFFERENTIATION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <optional>
#include <string>

namespace pp::nn {

/// What to differentiate with respect to.
struct DifferentiationRequest {
  /// Names of the two functions to build.
  std::string forwardName, backwardName;
  /// One flag an argument: its cotangent is a result of the backward function.
  llvm::SmallVector<bool> wanted;
  /// One flag an argument: its cotangent is added to an accumulator, an
  /// argument of the backward function which returns the sum. It has the type
  /// of the argument, but f32 where that holds bf16. An argument is `wanted` or
  /// `accumulated` or neither.
  llvm::SmallVector<bool> accumulated;
  /// One flag a result: the backward function takes its cotangent; that of the
  /// other results is zero.
  llvm::SmallVector<bool> seeded;
};

/// A value of the forward computation which the backward function reads.
struct SavedValue {
  enum class Kind {
    Argument, ///< argument `index` of the forward function
    Output,   ///< result `index` of the original function
    Residual  ///< residual `index`: result (number of outputs + index)
  };
  Kind kind;
  unsigned index;
};

/// The two functions and how to connect them.
///
///   forward:  (arguments...) -> (outputs..., residuals...)
///   backward: (saved..., cotangents of `seeds`..., accumulators...)
///             -> (cotangents of inputs..., sums...)
struct DifferentiatedFunction {
  mlir::func::FuncOp forward, backward;
  unsigned numOutputs = 0, numResiduals = 0;
  /// The leading arguments of `backward`.
  llvm::SmallVector<SavedValue> saved;
  /// The results of the original function whose cotangents follow. A seed that
  /// cannot reach any wanted or accumulated argument is left out.
  llvm::SmallVector<unsigned> seeds;
  /// The accumulated arguments, whose accumulators follow. Each of them is
  /// also a result, the accumulator itself where the gradient is zero.
  llvm::SmallVector<unsigned> accumulators;
  /// The wanted arguments whose cotangent is not known to be zero: the leading
  /// results of `backward`, in argument order.
  llvm::SmallVector<unsigned> cotangents;

  unsigned firstAccumulator() const { return saved.size() + seeds.size(); }
  unsigned firstSum() const { return cotangents.size(); }
};

/// Differentiates `function` (one block, values are tensors or integers). Both
/// new functions are private and stand behind `function`, which is unchanged.
///
/// Values of the forward computation that the backward needs become residuals,
/// except those that are arguments or outputs, or that are recomputed for less
/// than they cost to keep: constants, broadcasts, and views and one-operation
/// elementwise ops of values which are kept anyway.
///
/// Cotangents of a value with several uses are added from the last use to the
/// first, so the association does not depend on anything but the function.
///
/// Where arguments or results have a `comm.distribution`, those of both new
/// functions have one too: cotangents the dual, residuals the inferred one.
///
/// Emits an error and fails where an op on a needed path has no derivative.
mlir::FailureOr<DifferentiatedFunction>
differentiate(mlir::func::FuncOp function,
              const DifferentiationRequest &request);

} // namespace pp::nn

#endif // PP_DIALECT_NN_TRANSFORMS_DIFFERENTIATION_H
