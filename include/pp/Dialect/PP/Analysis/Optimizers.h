//===- Optimizers.h - Optimizers, their states and formulas ----*- C++ -*-===//
//
// The one table of them: partition and memory plans count the states of all,
// pp-add-optimizer writes the functions of those that a program shall have.
//
//===----------------------------------------------------------------------===//

#ifndef PP_DIALECT_PP_ANALYSIS_OPTIMIZERS_H
#define PP_DIALECT_PP_ANALYSIS_OPTIMIZERS_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

namespace pp {

/// What a formula reads and writes of one element, and the numbers of the step
/// (pprt_scalars.h).
class UpdateBuilder {
public:
  UpdateBuilder(mlir::OpBuilder &builder, mlir::Location loc,
                mlir::Value scalars, bool decays)
      : builder(builder), loc(loc), scalars(scalars), decays(decays) {}

  mlir::Value number(double value);
  /// The number of the step at `offset` bytes of pprt_scalars.
  mlir::Value scalar(size_t offset);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value div(mlir::Value a, mlir::Value b);
  mlir::Value sqrt(mlir::Value a);
  /// 1, -1, or 0 of either zero.
  mlir::Value sign(mlir::Value a);
  /// The gradient, clipped and averaged over micro-batches.
  mlir::Value scaledGradient(mlir::Value gradient);
  /// What weight decay leaves of a parameter.
  mlir::Value decayed(mlir::Value parameter);

private:
  mlir::OpBuilder &builder;
  mlir::Location loc;
  mlir::Value scalars;
  bool decays;
};

struct Optimizer {
  /// As `--optimizer` of a program has it.
  llvm::StringLiteral name;
  /// Kinds of its states, each like the gradient of the parameter.
  llvm::ArrayRef<llvm::StringLiteral> states;
  /// Numbers that start an update, f32, of an element: parameter and states
  /// become what is returned, in this order.
  llvm::SmallVector<mlir::Value> (*build)(UpdateBuilder &,
                                          mlir::Value parameter,
                                          mlir::Value gradient,
                                          mlir::ValueRange states);
};

llvm::ArrayRef<Optimizer> getOptimizers();
/// Null if there is none of this name.
const Optimizer *findOptimizer(llvm::StringRef name);
/// "adamw, sgd or lion": for messages.
std::string listOptimizers();
/// The kinds of states of all optimizers, each once.
llvm::SmallVector<llvm::StringRef> getKindsOfStates();

} // namespace pp

#endif // PP_DIALECT_PP_ANALYSIS_OPTIMIZERS_H
