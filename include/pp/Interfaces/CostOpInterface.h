//===- CostOpInterface.h - What an op costs ---------------------*- C++ -*-===//

#ifndef PP_INTERFACES_COSTOPINTERFACE_H
#define PP_INTERFACES_COSTOPINTERFACE_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/OpDefinition.h"

#include <optional>

namespace pp {
/// One execution of a collective.
struct Communication {
  llvm::StringRef kind; ///< "all_reduce", ...
  mlir::ArrayAttr axes; ///< names of the axes that it spans
  int64_t ranks;        ///< of a group
  uint64_t bytes;       ///< that each rank sends
  int64_t messages;     ///< in which it sends them, one after another

  /// On a ring, in which each rank sends all parts but one of so many bytes,
  /// all parts together, once (all-gather, reduce-scatter) or twice
  /// (all-reduce).
  static Communication ring(llvm::StringRef kind, mlir::ArrayAttr axes,
                            int64_t ranks, uint64_t bytes, int64_t times = 1) {
    const auto n = static_cast<uint64_t>(ranks);
    return {kind, axes, ranks,
            static_cast<uint64_t>(times) * (bytes - bytes / n),
            times * (ranks - 1)};
  }
};
} // namespace pp

namespace pp::detail {
/// Bytes of all statically shaped tensors among `types`, packed; other types
/// count nothing.
uint64_t sumOfBytes(mlir::TypeRange types);
} // namespace pp::detail

#include "pp/Interfaces/CostOpInterface.h.inc"

namespace pp {
/// Whether an op is a collective.
bool communicates(mlir::Operation *op);
} // namespace pp

#endif // PP_INTERFACES_COSTOPINTERFACE_H
