//===- StageMemory.h - What stages hold ------------------------*- C++ -*-===//

#ifndef PP_DIALECT_PP_ANALYSIS_STAGEMEMORY_H
#define PP_DIALECT_PP_ANALYSIS_STAGEMEMORY_H

#include "pp/Dialect/PP/IR/PPOps.h"
#include "pp/Schedule/Memory.h"

namespace pp {

/// Bytes of each stage as a search for schedules counts them. For a
/// micro-batch: what the backward reads of forwards (residuals, and inputs that
/// are kept), and what W still reads once I has run. All the time: parameters,
/// the gradient of each use, and optimizer states and masters of those that the
/// stage updates, of which a rank has as much as `replicas` leave it. Beside
/// that, while an action runs, estimated from above, since workspaces are known
/// only once layers are native: the largest sum of values that are alive at
/// once in a layer, and twice the values that the action takes from others or
/// makes for them (one in use, one on the way).
schedule::Memory memoryOf(llvm::ArrayRef<StageOp> stages, int64_t replicas);

} // namespace pp

#endif // PP_DIALECT_PP_ANALYSIS_STAGEMEMORY_H
