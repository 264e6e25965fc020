//===- JointFunction.h - Forward and backward in one body -------*- C++ -*-===//
//
// What the two halves of differentiation share: a function that computes the
// outputs and, further down in the same block, the cotangents.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIB_DIALECT_NN_TRANSFORMS_JOINTFUNCTION_H
#define PP_LIB_DIALECT_NN_TRANSFORMS_JOINTFUNCTION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <optional>

namespace pp::nn {

/// A detached function
///   (arguments..., cotangents of seeded results..., accumulators...) ->
///   (outputs..., cotangents of arguments..., sums...)
struct JointFunction {
  mlir::OwningOpRef<mlir::func::FuncOp> function;
  unsigned numArguments = 0, numOutputs = 0;
  llvm::SmallVector<unsigned> seeds, accumulators, cotangents;

  mlir::Block &body() { return function->getBody().front(); }
};

/// The operations of `block` that its terminator's operands [from, from + size)
/// depend on.
llvm::DenseSet<mlir::Operation *> sliceOfResults(mlir::Block &block,
                                                 unsigned from, unsigned size);

/// Chooses which values of the forward half the backward half gets handed over.
class SavedValueSelection {
public:
  explicit SavedValueSelection(JointFunction &joint);

  /// The operations that compute the outputs.
  bool isForward(mlir::Operation *op) const { return forward.contains(op); }
  /// The values that cross, arguments first, then in order of definition.
  llvm::ArrayRef<mlir::Value> getSaved() const {
    return saved.getArrayRef();
  }
  /// The forward operations that the backward repeats, in order.
  llvm::ArrayRef<mlir::Operation *> getRepeated() const { return repeated; }

private:
  bool isAtHand(mlir::Value value) const;
  bool isObtainable(mlir::Value value) const;
  bool replaceByOperands(mlir::Value value);
  void collectRepeated();

  JointFunction &joint;
  llvm::DenseSet<mlir::Operation *> forward;
  llvm::DenseSet<mlir::Value> outputs;
  llvm::SetVector<mlir::Value> saved;
  llvm::SmallVector<mlir::Operation *> repeated;
};

} // namespace pp::nn

#endif // PP_LIB_DIALECT_NN_TRANSFORMS_JOINTFUNCTION_H
