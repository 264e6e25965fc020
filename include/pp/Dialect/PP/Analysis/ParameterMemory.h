//===- ParameterMemory.h - What a parameter costs --------------*- C++ -*-===//
//
// What partition and search count before there are states (pp.state): those of
// all optimizers, as pp-add-optimizer makes them by default.
//
//===----------------------------------------------------------------------===//

#ifndef PP_DIALECT_PP_ANALYSIS_PARAMETERMEMORY_H
#define PP_DIALECT_PP_ANALYSIS_PARAMETERMEMORY_H

#include "pp/Dialect/PP/Analysis/Optimizers.h"
#include "pp/Dialect/PP/IR/PPOps.h"
#include "pp/Interfaces/CostOpInterface.h"

#include "llvm/Support/MathExtras.h"

namespace pp {

/// Bytes, without padding.
struct ParameterMemory {
  explicit ParameterMemory(mlir::Type parameter)
      : value(detail::sumOfBytes(parameter)),
        gradient(detail::sumOfBytes(getGradientType(parameter))),
        master(getGradientType(parameter) == parameter ? 0 : gradient) {}

  uint64_t value;    ///< on each rank that reads it
  uint64_t gradient; ///< the accumulator of each use, and each state
  uint64_t master;   ///< the f32 copy of a parameter of bf16
  /// What its owner holds beside value and accumulators, where states are cut
  /// over so many replicas.
  uint64_t states(int64_t replicas) const {
    return llvm::divideCeil(getKindsOfStates().size() * gradient + master,
                            uint64_t(replicas));
  }
};

} // namespace pp

#endif // PP_DIALECT_PP_ANALYSIS_PARAMETERMEMORY_H
