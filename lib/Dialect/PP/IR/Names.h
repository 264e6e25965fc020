//===- Names.h - Names that symbols of programs keep ------------*- C++ -*-===//

#ifndef PP_LIB_DIALECT_PP_IR_NAMES_H
#define PP_LIB_DIALECT_PP_IR_NAMES_H

#include "mlir/IR/Operation.h"

namespace pp::detail {

/// Fails with an error for the name of a function of the runtime: programs
/// declare those beside the parameters.
mlir::LogicalResult verifyParameterName(mlir::Operation *op,
                                        llvm::StringRef name);

} // namespace pp::detail

#endif // PP_LIB_DIALECT_PP_IR_NAMES_H
