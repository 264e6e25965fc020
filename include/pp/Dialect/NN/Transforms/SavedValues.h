//===- SavedValues.h - Cutting a block into two -----------------*- C++ -*-===//
//
// Differentiation and the split of backward functions have one problem in
// common: a block is cut into a first half, all that some of its results
// depend on, and a second half, the rest. Which values does the first hand over
// to the second?
//
//===----------------------------------------------------------------------===//

#ifndef PP_DIALECT_NN_TRANSFORMS_SAVEDVALUES_H
#define PP_DIALECT_NN_TRANSFORMS_SAVEDVALUES_H

#include "mlir/IR/Block.h"
#include "mlir/IR/ValueRange.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"

namespace pp::nn {

/// The cut of a block whose terminator returns first the results of the first
/// half, `numOutputs` of them, then those of the second. The first
/// `numArguments` arguments belong to both halves, the others to the second.
class SavedValues {
public:
  SavedValues(mlir::Block &block, unsigned numArguments, unsigned numOutputs);

  /// Whether an op computes one of the outputs of the first half.
  bool isFirst(mlir::Operation *op) const { return first.contains(op); }
  /// What the second half reads of the first: arguments first, then values in
  /// order of definition.
  llvm::ArrayRef<mlir::Value> getSaved() const { return saved.getArrayRef(); }
  /// The ops of the first half that the second repeats, in order.
  llvm::ArrayRef<mlir::Operation *> getRepeated() const { return repeated; }

private:
  bool isAtHand(mlir::Value value) const;
  bool isObtainable(mlir::Value value) const;
  bool replaceByOperands(mlir::Value value);
  bool replaceViewsOf(mlir::Value source);
  void exchange(mlir::Value value);
  void collectRepeated();
  mlir::ValueRange resultsOfSecond() const;

  mlir::Block &block;
  unsigned numOutputs;
  llvm::DenseSet<mlir::Operation *> first;
  llvm::DenseSet<mlir::Value> outputs;
  llvm::SetVector<mlir::Value> saved;
  llvm::SmallVector<mlir::Operation *> repeated;
};

} // namespace pp::nn

#endif // PP_DIALECT_NN_TRANSFORMS_SAVEDVALUES_H
