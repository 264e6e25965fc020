//===- DistributionDialectInterface.h - Proofs beside functions -*- C++ -*-===//

#ifndef PP_DIALECT_COMM_ANALYSIS_DISTRIBUTIONDIALECTINTERFACE_H
#define PP_DIALECT_COMM_ANALYSIS_DISTRIBUTIONDIALECTINTERFACE_H

#include "pp/Interfaces/MeshOpInterface.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectInterface.h"

namespace pp::comm {

/// What a dialect has in a module beside functions whose values have
/// distributions, and what holds functions together.
class DistributionDialectInterface
    : public mlir::DialectInterface::Base<DistributionDialectInterface> {
public:
  DistributionDialectInterface(mlir::Dialect *dialect) : Base(dialect) {}

  /// Proves it, on a mesh with an axis that values have distributions on.
  /// Functions are proven on their own; the attributes of all name axes of the
  /// mesh. Emits an error for each thing that is wrong and fails.
  virtual llvm::LogicalResult
  verifyDistributions(mlir::ModuleOp module, MeshOpInterface mesh) const = 0;
};

} // namespace pp::comm

#endif // PP_DIALECT_COMM_ANALYSIS_DISTRIBUTIONDIALECTINTERFACE_H
