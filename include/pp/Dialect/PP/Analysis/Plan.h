//===- Plan.h - The plan level of a module, gathered ------------*- C++ -*-===//
//
// Stages, their functions, who produces and consumes each named value, the
// uses of each parameter and the schedule: what passes between the plan and
// the rank level ask of a module.
//
//===----------------------------------------------------------------------===//

#ifndef PP_DIALECT_PP_ANALYSIS_PLAN_H
#define PP_DIALECT_PP_ANALYSIS_PLAN_H

#include "pp/Dialect/PP/IR/PPOps.h"
#include "pp/Schedule/Schedule.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"

#include <map>

namespace pp {

ActionKind toActionKind(schedule::Kind kind);

/// A gradient accumulator: one use of a parameter, in one stage.
struct GradientUse {
  int64_t use;
  int64_t stage;
  int64_t pipe; ///< where the stage is placed
};

/// Everything that is known of a parameter.
struct ParameterInfo {
  ParameterOp op;
  /// Uses that have a gradient, ascending. The coordinate of the first one owns
  /// the parameter.
  llvm::SmallVector<GradientUse> gradients;
  /// Ranks that read it, ascending.
  llvm::SmallVector<int64_t> readers;

  /// Rank with the optimizer state, -1 where there is no gradient.
  int64_t owner() const { return gradients.empty() ? -1 : gradients[0].pipe; }
};

class Plan {
public:
  /// Gathers the plan of `module`. Emits an error and fails where stages are
  /// missing, or the schedule's text or shape is wrong; everything deeper is
  /// verify()'s question.
  static mlir::FailureOr<Plan> get(mlir::ModuleOp module);

  /// Proves the plan: every value has one producer of the consumers' type,
  /// every gradient one accumulator, one function reports the loss, and the
  /// schedule runs F and B, or I and W, of every stage and micro-batch once,
  /// on its rank, in data-flow order, gradients in ascending micro-batch order.
  mlir::LogicalResult verify() const;

  /// The function that runs `action`, null where the stage has nothing to do.
  mlir::func::FuncOp getFunction(const schedule::Action &action) const;

  int64_t numRanks() const { return schedule.numRanks(); }
  int64_t pipeOf(int64_t stage) const { return schedule.placement[stage]; }
  int64_t microbatches() const { return schedule.microbatches; }

  mlir::ModuleOp module;
  ScheduleOp scheduleOp;
  schedule::Schedule schedule;
  llvm::SmallVector<StageOp> stages; ///< by stage number
  /// In the order of the module.
  llvm::MapVector<mlir::StringAttr, ParameterInfo> parameters;

private:
  mlir::LogicalResult verifyValues() const;
  mlir::LogicalResult verifyGradients() const;
  mlir::LogicalResult verifyLoss() const;
  mlir::LogicalResult verifyOrder() const;
  void gatherParameters();

  /// Functions of each stage by action kind.
  llvm::SmallVector<std::array<mlir::func::FuncOp, 4>> functions;
};

/// Name of the value that an argument reads or a result produces, null for
/// arguments and results that are bound otherwise.
mlir::StringAttr getArgumentValue(mlir::func::FuncOp function, unsigned index);
mlir::StringAttr getResultValue(mlir::func::FuncOp function, unsigned index);

} // namespace pp

#endif // PP_DIALECT_PP_ANALYSIS_PLAN_H
