//===- Options.h - Ranges of the numbers in options -------------*- C++ -*-===//

#ifndef PP_LIB_DIALECT_PP_TRANSFORMS_OPTIONS_H
#define PP_LIB_DIALECT_PP_TRANSFORMS_OPTIONS_H

#include "pp/Limits.h"

#include "mlir/IR/Operation.h"

namespace pp {

/// Fails with an error at `op` unless least <= value <= most.
inline mlir::LogicalResult checkOption(mlir::Operation *op,
                                       llvm::StringRef name, int64_t value,
                                       int64_t least, int64_t most) {
  if (value >= least && value <= most)
    return mlir::success();
  return op->emitError() << "found " << name << "=" << value << ", expected "
                         << least << " to " << most;
}

} // namespace pp

#endif // PP_LIB_DIALECT_PP_TRANSFORMS_OPTIONS_H
