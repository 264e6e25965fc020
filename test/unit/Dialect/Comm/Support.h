//===- Support.h - Sharded layers on numbers --------------------*- C++ -*-===//
//
// A layer of one device and the same layer cut over a mesh: the second is
// proven, differentiated, proven again, run on all ranks, and compared with the
// first, of which values and gradients come from the interpreter's tape.
//
//===----------------------------------------------------------------------===//

#ifndef PP_TEST_UNIT_DIALECT_COMM_SUPPORT_H
#define PP_TEST_UNIT_DIALECT_COMM_SUPPORT_H

#include "pp/Dialect/Comm/IR/CommAttributes.h"
#include "pp/Dialect/NN/Transforms/Differentiation.h"
#include "pp/Interpreter/Spmd.h"

#include "mlir/IR/BuiltinOps.h"

#include <functional>
#include <optional>
#include <random>

namespace pp::commtest {

/// A layer as text: functions @f, one for a device and one for a mesh.
struct Layer {
  std::string name, whole, sharded;
};

/// A context with all that layers need; errors are kept.
class World {
public:
  World();
  mlir::MLIRContext &getContext() { return context; }
  /// What was said since the last call.
  std::string takeErrors();
  mlir::OwningOpRef<mlir::ModuleOp> parse(llvm::StringRef text);
  /// Runs the verifier and comm-verify-distribution.
  bool isProven(mlir::ModuleOp module);

private:
  mlir::MLIRContext context;
  mlir::ScopedDiagnosticHandler handler;
  std::string errors;
};

/// Random elements of a tensor or scalar: floats in [-1, 1], integers below
/// `bound`.
interpreter::Numbers draw(mlir::Type type, std::mt19937_64 &random,
                          int64_t bound);

/// Tensors between one device and the ranks of a mesh.
class Placement {
public:
  Placement(MeshOpInterface mesh, uint64_t seed)
      : mesh(mesh), random(seed), ranks(interpreter::countRanks(mesh)) {}

  /// What the ranks have of `whole`; `local` is the type of a rank's tensor.
  /// `type` is that of `whole`, beyond which the last parts reach into padding,
  /// which is 0; null where they do not.
  interpreter::RankNumbers scatter(const interpreter::Numbers &whole,
                                   mlir::RankedTensorType local,
                                   comm::DistributionAttr distribution,
                                   mlir::RankedTensorType type = {});
  /// Empty if the ranks have `whole`, else what is wrong. Padding is 0 where
  /// `isPaddingZero`, and anything elsewhere.
  std::string check(const interpreter::RankNumbers &parts,
                    mlir::RankedTensorType local,
                    comm::DistributionAttr distribution,
                    const interpreter::Numbers &whole, double tolerance = 1e-9,
                    mlir::RankedTensorType type = {},
                    bool isPaddingZero = false);

private:
  comm::Distribution lookup(comm::DistributionAttr distribution,
                            llvm::StringRef axis) {
    return distribution ? distribution.lookup(axis)
                        : comm::Distribution::invariant();
  }
  /// Nothing in padding.
  std::optional<int64_t> numberOf(int64_t element, int64_t rank,
                                  mlir::RankedTensorType local,
                                  comm::DistributionAttr distribution,
                                  mlir::RankedTensorType type);

  MeshOpInterface mesh;
  std::mt19937_64 random;
  int64_t ranks;
};

/// The layer on one device: results, and gradients of their weighted sum.
struct Reference {
  std::vector<mlir::RankedTensorType> argumentTypes, resultTypes;
  std::vector<interpreter::Numbers> arguments, weights;
  interpreter::BlockResult result;
};
Reference evaluateWhole(mlir::func::FuncOp function, uint64_t seed);

/// Puts layer @f as a function in the place of all layers and models of
/// `module`. Integers that it takes are below `bound`.
mlir::func::FuncOp keepLayer(mlir::ModuleOp module, int64_t bound);

/// @f of `module` with its derivative, by all results or those that `seeded`
/// says. Fails after an error.
mlir::FailureOr<nn::DifferentiatedFunction>
differentiate(mlir::ModuleOp module, llvm::ArrayRef<bool> seeded = {});

/// Results of a function on all ranks.
using Evaluator =
    std::function<llvm::Expected<std::vector<interpreter::RankNumbers>>(
        mlir::func::FuncOp, const std::vector<interpreter::RankNumbers> &)>;
/// In double precision, by the interpreter.
llvm::Expected<std::vector<interpreter::RankNumbers>>
interpret(mlir::func::FuncOp function,
          const std::vector<interpreter::RankNumbers> &arguments);

/// Empty where results and gradients of the sharded layer are those of the
/// reference but for `tolerance` (of 1 and of the number), else what is not.
/// `function` is @f, whose declarations count.
std::string compare(mlir::func::FuncOp function,
                    const nn::DifferentiatedFunction &derivative,
                    const Reference &reference, uint64_t seed,
                    const Evaluator &evaluate = interpret,
                    double tolerance = 1e-9);

} // namespace pp::commtest

#endif // PP_TEST_UNIT_DIALECT_COMM_SUPPORT_H
