//===- Communication.h - Do all rank programs end together? -----*- C++ -*-===//
//
// The transfers of all rank programs as programs of the communication model
// (pp/Communication/Programs.h), which executes them.
//
//===----------------------------------------------------------------------===//

#ifndef PP_DIALECT_PP_ANALYSIS_COMMUNICATION_H
#define PP_DIALECT_PP_ANALYSIS_COMMUNICATION_H

#include "pp/Communication/Semantics.h"
#include "pp/Dialect/PP/IR/PPOps.h"

namespace pp {

/// The semantics that the option of a pass names, or an error at `op`.
mlir::FailureOr<communication::Semantics> readSemantics(mlir::Operation *op,
                                                        llvm::StringRef name);

/// Proves that every transfer of the programs of one kind in `module` has its
/// other end, with the same value, micro-batch, tag and type, and that all of
/// them end. Emits what is wrong, with the whole wait cycle; with `quiet` only
/// fails.
llvm::LogicalResult verifyCommunication(mlir::ModuleOp module, ProgramKind kind,
                                        communication::Semantics semantics,
                                        bool quiet = false);
/// Of the programs of both kinds, each among its own.
llvm::LogicalResult verifyCommunication(mlir::ModuleOp module,
                                        communication::Semantics semantics);

/// An analysis that computes nothing: what has been proven of the module as it
/// is. A pass that proves keeps it; any pass that changes the module drops it.
struct CommunicationProofs {
  explicit CommunicationProofs(mlir::Operation *) {}
  llvm::SmallVector<communication::Semantics> semantics;
};

} // namespace pp

#endif // PP_DIALECT_PP_ANALYSIS_COMMUNICATION_H
