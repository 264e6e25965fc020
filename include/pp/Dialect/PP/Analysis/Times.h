//===- Times.h - Seconds of layers and stages -------------------*- C++ -*-===//
//
// The one place that knows how long a part of a model takes: from a profile
// where there is one, else from the cost of its ops and the machine's rates.
//
//===----------------------------------------------------------------------===//

#ifndef PP_DIALECT_PP_ANALYSIS_TIMES_H
#define PP_DIALECT_PP_ANALYSIS_TIMES_H

#include "pp/Analysis/Cost.h"
#include "pp/Dialect/PP/IR/PPOps.h"
#include "pp/Profile/Profile.h"
#include "pp/Schedule/Simulator.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <memory>
#include <optional>

namespace pp {

/// Collectives of one layer over the same axes of the mesh.
struct LayerCollectives {
  std::string layer;
  mlir::ArrayAttr axes;
  int64_t ranks = 1; ///< of a group
  Cost cost;         ///< of all of them together
};

class Times {
public:
  struct Options {
    MachineRates rates;
    std::string profile; ///< a file; empty: none
  };

  /// Fails, with an error at the module, where a rate is no rate of a machine.
  static mlir::LogicalResult check(mlir::ModuleOp module,
                                   const Options &options);

  /// For a module on the model or the plan level. Fails, with an error at the
  /// model or the module, if a rate is wrong, or if the profile cannot be read
  /// or is of another model.
  static mlir::FailureOr<Times> get(mlir::ModuleOp module,
                                    const Options &options);

  /// Seconds of forward and backward of an apply of the model, and of the
  /// forward again if it is `recomputed`.
  double secondsOf(ApplyOp apply, bool recomputed);

  /// Seconds of a stage function; 0 for null.
  double secondsOf(mlir::func::FuncOp function);

  /// Of these, seconds of collectives of layers.
  double collectiveSecondsOf(mlir::func::FuncOp function);

  /// The same of all stages: what of `costsOf` goes to collectives of layers.
  struct StageCollectives {
    std::vector<double> forward, inputGradient, weightGradient;
    bool isNone() const;
  };
  StageCollectives stageCollectivesOf(mlir::ArrayRef<StageOp> stages);

  /// The collectives of layers in forward and backward of the stages for one
  /// micro-batch, by layer in the order in which they come first.
  llvm::SmallVector<LayerCollectives>
  collectivesOf(mlir::ArrayRef<StageOp> stages);

  /// Replicas that the pipeline will have, before parameters have pieces.
  struct Replicas {
    int64_t count = 1;
    bool cutsStates = true; ///< each updates its piece of the parameters
  };

  /// Times of all stages, of the transfers between them, of the collectives of
  /// replicas, and (measured ones only) of the end of the step. Without
  /// `planned` the replicas are those of the parameters' pieces.
  schedule::Costs costsOf(mlir::ArrayRef<StageOp> stages,
                          std::optional<Replicas> planned = std::nullopt);

private:
  Times(mlir::ModuleOp module, const Options &options)
      : module(module), options(options) {}

  mlir::LogicalResult readProfile();
  /// The function of a stage; null for none.
  mlir::func::FuncOp lookup(StageOp stage, mlir::FlatSymbolRefAttr name);
  /// The name of the layer of which a call of a stage function computes a part.
  std::string layerOf(mlir::func::CallOp call);
  double transferSeconds(double bytes, unsigned values) const;
  /// Seconds of a collective of so many replicas, of all pieces together.
  double collectiveSeconds(double bytes, int64_t replicas) const;
  /// Parameters, and their uses, to which arguments of functions of a stage are
  /// bound by the attribute.
  llvm::SmallVector<std::pair<ParameterOp, int64_t>>
  boundTo(StageOp stage, mlir::ArrayRef<mlir::FlatSymbolRefAttr> functions,
          mlir::StringRef attribute);
  void addCollectives(mlir::ArrayRef<StageOp> stages,
                      std::optional<Replicas> planned, schedule::Costs &costs);

  mlir::ModuleOp module;
  Options options;
  std::unique_ptr<mlir::SymbolTableCollection> symbols =
      std::make_unique<mlir::SymbolTableCollection>();
  std::optional<profile::Profile> measured;
  /// Layers of the applies, in the order of the model.
  llvm::SmallVector<std::string> layers;
  /// Numbers of the applies on the model level.
  llvm::DenseMap<mlir::Operation *, size_t> numbers;
  llvm::DenseMap<mlir::Operation *, Cost> estimates; ///< of layers, forward
  /// The profile has the same layers at the same places.
  bool sameApplies = false;
};

} // namespace pp

#endif // PP_DIALECT_PP_ANALYSIS_TIMES_H
