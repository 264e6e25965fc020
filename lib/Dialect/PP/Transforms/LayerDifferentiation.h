//===- LayerDifferentiation.h - Functions of layers -------------*- C++ -*-===//

#ifndef PP_LIB_DIALECT_PP_TRANSFORMS_LAYERDIFFERENTIATION_H
#define PP_LIB_DIALECT_PP_TRANSFORMS_LAYERDIFFERENTIATION_H

#include "pp/Dialect/NN/Transforms/Differentiation.h"
#include "pp/Dialect/PP/IR/PPOps.h"

#include "llvm/ADT/StringSet.h"

#include <map>

namespace pp {

/// Names that are still free in a module.
class FreeNames {
public:
  void reserve(llvm::StringRef name) { used.insert(name); }
  /// `name`, or `name` with a number behind it.
  std::string take(const llvm::Twine &name);

private:
  llvm::StringSet<> used;
};

/// A layer with its functions, for one set of cotangents.
struct LayerFunctions {
  /// Without a backward function if it would return nothing.
  nn::DifferentiatedFunction functions;
  unsigned numInputs = 0, numParams = 0;
  /// Whether a dropout key follows the parameters.
  bool takesKey = false;

  bool hasBackward() const { return bool(functions.backward); }
};

/// Differentiates layers on demand, each combination of cotangents once.
class LayerDifferentiation {
public:
  explicit LayerDifferentiation(FreeNames &names) : names(names) {}

  /// `wanted`: which inputs need a cotangent; `seeded`: which results have one.
  /// Null after an error.
  const LayerFunctions *get(LayerOp layer, llvm::ArrayRef<bool> wanted,
                            llvm::ArrayRef<bool> seeded);

private:
  mlir::FailureOr<LayerFunctions> build(LayerOp layer,
                                        llvm::ArrayRef<bool> wanted,
                                        llvm::ArrayRef<bool> seeded);

  FreeNames &names;
  std::map<std::pair<mlir::Operation *, std::vector<bool>>, LayerFunctions>
      built;
};

} // namespace pp

#endif // PP_LIB_DIALECT_PP_TRANSFORMS_LAYERDIFFERENTIATION_H
