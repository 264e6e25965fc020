//===- Communication.h - Do all rank programs end together? -----*- C++ -*-===//
//
// Executes the transfers of all rank programs symbolically under a model of
// the transport. Matching is deterministic, so one execution decides: if it
// ends, every real execution ends; if it stops, it stops in a wait cycle.
//
//===----------------------------------------------------------------------===//

#ifndef PP_DIALECT_PP_ANALYSIS_COMMUNICATION_H
#define PP_DIALECT_PP_ANALYSIS_COMMUNICATION_H

#include "pp/Dialect/PP/IR/PPOps.h"

#include <optional>

namespace pp {

/// What a transport promises. A program proven under `Rendezvous` also runs
/// under `Buffered`, one proven under `FifoShared` under `Rendezvous`.
enum class CommunicationSemantics {
  /// A send ends at once, into a buffer; matched by tag.
  Buffered,
  /// A send ends when its receive is posted; matched by tag (MPI).
  Rendezvous,
  /// Transfers of a directed edge start and end in the order in which each
  /// side posts them; there are no tags (one NCCL communicator an edge).
  FifoPerEdge,
  /// The same for both directions of a pair of ranks together (one NCCL
  /// communicator a pair).
  FifoShared,
};

/// By the spelling of options: buffered, rendezvous, fifo-per-edge,
/// fifo-shared.
std::optional<CommunicationSemantics>
parseCommunicationSemantics(llvm::StringRef name);
llvm::StringRef toString(CommunicationSemantics semantics);

/// Proves that every transfer of the programs in `module` has its other end,
/// with the same value, micro-batch, tag and type, and that all programs end.
/// Emits what is wrong, with the whole wait cycle; with `quiet` only fails.
llvm::LogicalResult verifyCommunication(mlir::ModuleOp module,
                                        CommunicationSemantics semantics,
                                        bool quiet = false);

/// An analysis that computes nothing: what has been proven of the module as it
/// is. A pass that proves keeps it; any pass that changes the module drops it.
struct CommunicationProofs {
  explicit CommunicationProofs(mlir::Operation *) {}
  llvm::SmallVector<CommunicationSemantics> semantics;
};

} // namespace pp

#endif // PP_DIALECT_PP_ANALYSIS_COMMUNICATION_H
