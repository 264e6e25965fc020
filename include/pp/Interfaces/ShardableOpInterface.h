//===- ShardableOpInterface.h - How an op may be cut ------------*- C++ -*-===//

#ifndef PP_INTERFACES_SHARDABLEOPINTERFACE_H
#define PP_INTERFACES_SHARDABLEOPINTERFACE_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"

#include "llvm/Support/ErrorHandling.h"

#include <optional>

namespace pp {

/// What becomes of a loop that is cut into blocks; see the interface.
enum class LoopKind : uint8_t { Parallel, Sum, Max, Mean, Indexed, Whole };

/// "parallel", ...
llvm::StringRef stringify(LoopKind kind);

/// The loops that count the dimensions of a tensor: of each dimension the
/// slowest first, none of one that repeats.
using DimLoops = llvm::SmallVector<llvm::SmallVector<unsigned, 2>>;

/// A loop that is cut into blocks for the coordinates of an axis, or each of
/// several blocks of it.
struct LoopCut {
  unsigned loop = 0;
  int64_t blocks = 1;
  bool operator==(const LoopCut &other) const {
    return loop == other.loop && blocks == other.blocks;
  }
};

/// An iteration space with the operands and results of an op in it.
struct ShardingRule {
  struct Loop {
    int64_t size;
    LoopKind kind;
    /// Names of the axes over which an indexed loop is a part, in the order of
    /// the mesh; null if it is whole.
    mlir::ArrayAttr axes = {};

    /// Whether the op says that its blocks of this loop are those of `axis`.
    bool isPartOver(mlir::StringAttr axis) const {
      return axes && llvm::is_contained(axes, axis);
    }
  };
  llvm::SmallVector<Loop> loops;
  /// One an operand and one a result; scalars have no dimensions.
  llvm::SmallVector<DimLoops> operands, results;
  /// Each a list of operands; see the interface.
  llvm::SmallVector<llvm::SmallVector<unsigned>> terms;
  /// The result is its operand, of which no cotangent flows back.
  bool stopsGradient = false;
  /// The result has the elements of its operand in their order, in other
  /// dimensions.
  bool isView = false;

  unsigned addLoop(int64_t size, LoopKind kind = LoopKind::Parallel) {
    loops.push_back({size, kind, {}});
    return loops.size() - 1;
  }
  /// A loop for each dimension of `shape`; `whole` cannot be cut.
  DimLoops addLoops(llvm::ArrayRef<int64_t> shape,
                    llvm::ArrayRef<int64_t> whole = {});

  /// How a dimension that `dim` counts may have been cut, if each of `blocks`
  /// of it was, the likeliest first: loops of size 1 may be the ones that are
  /// cut, or the one behind them.
  llvm::SmallVector<LoopCut> findCuts(llvm::ArrayRef<unsigned> dim,
                                      int64_t blocks) const;
  /// The other way: of how many blocks of the dimension a part is taken each;
  /// nothing if it has not that loop.
  std::optional<int64_t> blocksOf(llvm::ArrayRef<unsigned> dim,
                                  LoopCut cut) const;
};

/// The rule of an op with one result whose operands broadcast to it: shapes are
/// aligned at their last dimensions, scalars repeat.
ShardingRule elementwiseRule(mlir::Operation *op,
                             llvm::ArrayRef<llvm::SmallVector<unsigned>> terms);

} // namespace pp

#include "pp/Interfaces/ShardableOpInterface.h.inc"

namespace pp {
/// The rule of an op that is whole, for who chooses how to cut it.
std::optional<ShardingRule> getRuleOfWhole(mlir::Operation *op);
/// The rule of any op: its own, that of its elementwise trait, or none.
std::optional<ShardingRule> getShardingRule(mlir::Operation *op);
} // namespace pp

#endif // PP_INTERFACES_SHARDABLEOPINTERFACE_H
