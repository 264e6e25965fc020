//===- LayerSharding.h - The cheapest way to cut a layer --------*- C++ -*-===//

#ifndef PP_LIB_DIALECT_PP_TRANSFORMS_LAYERSHARDING_H
#define PP_LIB_DIALECT_PP_TRANSFORMS_LAYERSHARDING_H

#include "pp/Analysis/Cost.h"
#include "pp/Dialect/Comm/IR/Distribution.h"
#include "pp/Dialect/PP/IR/PPOps.h"
#include "pp/Interfaces/ShardableOpInterface.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/StringMap.h"

namespace pp {

/// The axis that layers are cut over, and what its ranks can do.
struct ShardingAxis {
  int64_t size = 1;
  MachineRates rates;
  /// Seconds of a ring beside its bytes, with any number of messages. Not those
  /// of the machine: so little that a small model is cut as a large one is.
  double latency = 5e-8;
  /// What layers gather is gathered once more in the backward, not kept.
  bool gathersAgain = true;
  /// Whether entries of a batch and positions of a sequence may be cut: all
  /// dimensions of what a layer takes but the last.
  bool cutsPositions = true;
};

inline bool holdsFloats(mlir::Type type) {
  return mlir::isa<mlir::FloatType>(mlir::getElementTypeOrSelf(type));
}

/// The distribution of a value that is equal on all coordinates: only floats
/// have a cotangent that could be partial.
comm::Distribution asWhole(mlir::Type type, comm::Distribution distribution);

/// Whether a dimension of `type` can be cut into parts for the axis.
bool canCut(mlir::Type type, comm::Distribution varying, int64_t size);

/// Whether a loop can be cut into parts for the axis.
bool canCut(const ShardingRule &rule, LoopCut cut, int64_t size);

/// The distribution of a tensor that `dims` counts, if `cut` is; nothing if no
/// dimension of it is cut.
std::optional<comm::Distribution> cutOf(const ShardingRule &rule,
                                        const DimLoops &dims, LoopCut cut);

/// Seconds that a step between two distributions of a value takes in forward
/// and backward together; nothing where there is no such step, or where it
/// takes two.
std::optional<double> costOfStep(mlir::Type type, comm::Distribution from,
                                 comm::Distribution to,
                                 const ShardingAxis &axis);

/// Seconds that are charged for a parameter that is held as `form`.
double priceOfHolding(mlir::Type type, comm::Distribution form,
                      const ShardingAxis &axis);

/// How one op takes its operands, and what follows.
struct OpSharding {
  llvm::SmallVector<comm::Distribution> operands, results;
  /// What it computes, forward and backward.
  double seconds = 0;
};

/// What is decided of a layer: of its inputs and results by who applies it, of
/// parameters by the layer itself, where nothing else does.
struct LayerBorder {
  llvm::SmallVector<std::optional<comm::Distribution>> arguments;
  llvm::SmallVector<comm::Distribution> results;
};

struct LayerSharding {
  double seconds = 0;
  llvm::SmallVector<comm::Distribution> arguments;
  std::vector<OpSharding> ops; ///< in their order
};

/// All ways to cut the ops of a layer over one axis.
class LayerShardings {
public:
  /// What `pinned` says of values may be had, too, though no op by itself would
  /// cut them so: blocks.
  using Pins = llvm::ArrayRef<std::pair<mlir::Value, comm::Distribution>>;
  LayerShardings(LayerOp layer, const ShardingAxis &axis, Pins pinned = {});

  /// The cheapest within `border`; nothing if there is none. Exact, up to a
  /// number of states that no layer of the size of a transformer block needs.
  std::optional<LayerSharding> findCheapest(const LayerBorder &border) const;

  /// The ways to compute an op, by its number in the layer.
  llvm::ArrayRef<OpSharding> getChoices(unsigned op) const {
    return choices[op];
  }

  /// Whether any op could be cut.
  bool canCutAny() const;

  /// What an argument might be cut as.
  llvm::SmallVector<comm::Distribution> getForms(unsigned argument) const;

private:
  struct Node;
  void findPaddable();
  void findPositions();
  void findForms(Pins pinned);
  bool mayCut(unsigned op, const ShardingRule &rule, LoopCut cut) const;
  void addOps();
  std::optional<double> costOf(unsigned value, comm::Distribution from,
                               comm::Distribution to) const;
  std::optional<double>
  convert(unsigned value, llvm::SmallVectorImpl<comm::Distribution> &forms,
          comm::Distribution to) const;
  unsigned number(mlir::Value value) const { return numbers.lookup(value); }

  mutable llvm::DenseMap<std::pair<unsigned, uint64_t>, std::optional<double>>
      stepCosts;
  LayerOp layer;
  ShardingAxis axis;
  llvm::DenseMap<mlir::Value, unsigned> numbers;
  std::vector<mlir::Value> values;
  /// Of each value what any op may take or make it as.
  std::vector<llvm::SmallVector<comm::Distribution>> forms;
  /// Of values a dimension of which the last part may reach into padding.
  llvm::DenseMap<mlir::Value, int64_t> paddable;
  /// Of each op the loops that count positions, if these may not be cut.
  std::vector<llvm::SmallDenseSet<unsigned>> positions;
  std::vector<unsigned> lastUse; ///< number of an op; all beyond: the yield
  std::vector<mlir::Operation *> ops;
  llvm::SmallVector<mlir::Value> yielded;
  std::vector<std::vector<OpSharding>> choices; ///< by op
};

} // namespace pp

#endif // PP_LIB_DIALECT_PP_TRANSFORMS_LAYERSHARDING_H
