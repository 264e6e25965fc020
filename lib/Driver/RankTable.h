//===- RankTable.h - What each rank computes and holds ----------*- C++ -*-===//

#ifndef PP_LIB_DRIVER_RANKTABLE_H
#define PP_LIB_DRIVER_RANKTABLE_H

#include "mlir/IR/BuiltinOps.h"

namespace pp::driver {

/// Prints a line for each rank of a module whose memory is planned: layers,
/// parameters, share of the computation, bytes by kind, predicted bubble.
void printRankTable(mlir::ModuleOp module, llvm::raw_ostream &os);

} // namespace pp::driver

#endif // PP_LIB_DRIVER_RANKTABLE_H
