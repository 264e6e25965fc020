//===- Replicas.h - What replicas of the pipeline share ---------*- C++ -*-===//
//
// Replicas have the same parameters and the gradients of their own
// micro-batches. A step begins with gathering the pieces that each has updated,
// a parameter before the first action that reads it, so that the gathers run
// while the pipeline fills. Gradients are reduced behind the last action that
// adds to them, while it drains: each replica gets the sum of its piece.
//
// The micro-batches of a replica may fall into several groups, whose sums are
// added in a tree: behind each group its sum is set aside, and sums of as many
// groups are added as soon as there are two of them.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIB_DIALECT_PP_TRANSFORMS_REPLICAS_H
#define PP_LIB_DIALECT_PP_TRANSFORMS_REPLICAS_H

#include "pp/Dialect/PP/Analysis/Plan.h"

#include <deque>

namespace pp {

/// The collectives over the axis "data" in the program of one pipe coordinate.
class Replicas {
public:
  /// `created` is told of each op in the order in which they stand.
  Replicas(const Plan &plan, int64_t pipe, mlir::OpBuilder &builder,
           std::function<void(mlir::Operation *)> created);

  /// At the begin of the program.
  void startGathers(mlir::Location loc);
  /// Before an action runs `function`: what it reads is whole.
  void beforeAction(mlir::func::FuncOp function);
  /// Behind each action of the row, in turn; null: it runs nothing.
  void afterAction(mlir::func::FuncOp function);
  /// The sum over replicas of a gradient, as much of it as is this one's.
  mlir::Value getPiece(mlir::Location loc, ParameterOp parameter, int64_t use);
  /// All of a gradient from its pieces.
  mlir::Value gather(mlir::Location loc, ParameterOp parameter,
                     mlir::Value piece);

private:
  using Use = std::pair<mlir::StringAttr, int64_t>;

  template <typename OpT> OpT note(OpT op) {
    created(op);
    return op;
  }
  StartOp start(mlir::Location loc, CollectiveKind kind, mlir::Value operand,
                mlir::Type result, const llvm::Twine &value);
  mlir::Value finish(mlir::Location loc, StartOp started);
  void endGroup(mlir::Location loc, ParameterOp parameter, int64_t use,
                int64_t group);
  void startReduction(mlir::Location loc, ParameterOp parameter, int64_t use);
  void limitReductions();
  void finishReductions(mlir::Location loc, uint64_t most);
  void finishReduction(mlir::Location loc);

  /// Reductions under way at a time, see limitReductions().
  static constexpr size_t kReductions = 4;

  const Plan &plan;
  int64_t pipe;
  mlir::OpBuilder &builder;
  std::function<void(mlir::Operation *)> created;
  bool hasPieces = false; ///< any parameter, of itself or of its gradient
  /// Parameters whose gather is under way.
  llvm::MapVector<mlir::StringAttr, StartOp> gathers;
  llvm::DenseMap<Use, StartOp> reductions;
  llvm::DenseMap<Use, mlir::Value> pieces;
  struct Reduction {
    Use use;
    uint64_t bytes;
  };
  std::deque<Reduction> underWay; ///< in order
  uint64_t bytesUnderWay = 0, mostUnderWay = 0;
  int64_t groups = 1;       ///< of a replica
  /// The gradients to which an action, by its place in the row, is the last to
  /// add for a group of micro-batches.
  llvm::DenseMap<size_t, llvm::SmallVector<std::pair<Use, int64_t>>> ends;
  size_t place = 0; ///< of the next action in the row
  /// Sums of groups, each of more groups than the next one.
  llvm::DenseMap<Use, llvm::SmallVector<mlir::Value, 4>> sums;
};

} // namespace pp

#endif // PP_LIB_DIALECT_PP_TRANSFORMS_REPLICAS_H
