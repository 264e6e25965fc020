//===- StepFunctions.h - Functions of the end of a step --------*- C++ -*-===//
//
// Norms, sums and updates are functions of the module, one for all parameters
// that it fits: their elements in a row, whatever their shape. They are found
// by what they are for (`pp.role`) and the types of their arguments, not by
// their names, which a model may have taken. pp-add-optimizer makes them.
//
//===----------------------------------------------------------------------===//

#ifndef PP_DIALECT_PP_IR_STEPFUNCTIONS_H
#define PP_DIALECT_PP_IR_STEPFUNCTIONS_H

#include "pp/Dialect/PP/IR/PPOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <map>

namespace pp {

/// Values of `pp.role`; a function of another role is an update, and its role
/// the optimizer.
namespace role {
inline constexpr llvm::StringLiteral kSumOfSquares = "sum_of_squares";
inline constexpr llvm::StringLiteral kAdd = "add";
inline constexpr llvm::StringLiteral kConclude = "conclude";
} // namespace role

class StepFunctions {
public:
  explicit StepFunctions(mlir::ModuleOp module);

  /// A function for a gradient of `type`; null if there is none.
  mlir::func::FuncOp forGradient(llvm::StringRef role, mlir::Type type) const;
  /// The sum of squares of one of the blocks of a replica's piece of a
  /// gradient, or of all of one that falls into none; null if there is none.
  mlir::func::FuncOp forNorm(mlir::Type piece) const;
  /// The update of a parameter by an optimizer for a gradient, or a piece of
  /// it, of `type`; null if there is none.
  mlir::func::FuncOp forUpdate(llvm::StringRef optimizer, ParameterOp parameter,
                               mlir::Type type) const;
  /// Of each pp.optimizer of the module, in order.
  llvm::SmallVector<mlir::func::FuncOp> forUpdates(ParameterOp parameter,
                                                   mlir::Type type) const;
  mlir::func::FuncOp conclude() const;

  /// In the order of the module.
  llvm::ArrayRef<mlir::func::FuncOp> getAll() const { return all; }
  /// The position of a function among all; -1 for null.
  int64_t indexOf(mlir::func::FuncOp function) const;

private:
  /// Role, elements, whether a copy of bf16 is written, whether weights decay.
  using Key = std::tuple<llvm::StringRef, int64_t, bool, bool>;
  mlir::func::FuncOp lookup(const Key &key) const;

  llvm::SmallVector<mlir::func::FuncOp> all;
  std::map<Key, unsigned> known;
  llvm::SmallVector<llvm::StringRef> optimizers;
  int64_t blocks = 1; ///< of a norm, in a piece
};

/// Elements of each of `groups` equal pieces of a parameter of `elements`: all
/// of them for one group, else a multiple of 32.
int64_t getPieceElements(int64_t elements, int64_t groups);

/// Whether the loss of a step is a weighted mean: a stage function has a result
/// with pp.loss_weight.
bool hasLossWeights(mlir::ModuleOp module);

/// The most bytes of workspace that one of the functions wants; 0 where they
/// are not native yet. Null is no function.
int64_t getMostWorkspace(llvm::ArrayRef<mlir::func::FuncOp> functions);

/// The states of a module by their parameters.
class ParameterStates {
public:
  explicit ParameterStates(mlir::ModuleOp module);

  /// All states of these parameters. Those of one kind follow each other,
  /// masters first, which any optimizer needs; then as the first optimizers
  /// name them.
  llvm::SmallVector<StateOp>
  of(llvm::ArrayRef<mlir::StringAttr> parameters) const;

private:
  llvm::SmallVector<llvm::StringRef> kinds;
  llvm::DenseMap<std::pair<mlir::StringAttr, llvm::StringRef>, StateOp> states;
};

} // namespace pp

#endif // PP_DIALECT_PP_IR_STEPFUNCTIONS_H
