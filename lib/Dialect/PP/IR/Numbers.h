//===- Numbers.h - Bounds of the numbers that ops say -----------*- C++ -*-===//

#ifndef PP_LIB_DIALECT_PP_IR_NUMBERS_H
#define PP_LIB_DIALECT_PP_IR_NUMBERS_H

#include "pp/Limits.h"

#include "mlir/IR/Operation.h"

namespace pp {

/// Fails with an error that names `what` unless 0 <= number < end.
inline mlir::LogicalResult verifyNumber(mlir::Operation *op,
                                        const llvm::Twine &what, int64_t number,
                                        int64_t end) {
  if (number >= 0 && number < end)
    return mlir::success();
  return op->emitOpError() << "found " << what << " " << number
                           << ", expected a number from 0 to " << end - 1;
}

} // namespace pp

#endif // PP_LIB_DIALECT_PP_IR_NUMBERS_H
