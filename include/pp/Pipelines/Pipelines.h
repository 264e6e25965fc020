//===- Pipelines.h - The order of the passes --------------------*- C++ -*-===//

#ifndef PP_PIPELINES_PIPELINES_H
#define PP_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassManager.h"

#include <algorithm>
#include <cstdint>
#include <string>

namespace mlir::detail {
class PassOptions;
} // namespace mlir::detail

namespace pp {

/// What the pipelines can be asked for, by pp-compile and by pp-opt
/// (`--pp-to-plan="ranks=4 ..."`); see Options.td.
struct PipelineOptions {
#include "pp/Pipelines/PipelineOptions.h.inc"

  /// Coordinates on the axis tensor; 0: as the model's own mesh says.
  int64_t numParts() const { return tensorGroups ? tensorGroups : tensors; }
  /// As neighbours on it share a process.
  int64_t ranksPerProcess() const {
    return tensorGroups ? tensorGroups / std::max<int64_t>(tensors, 1) : 1;
  }
};

/// `name=value ...`, as pp-opt takes it, of what is not as at first.
std::string toText(const PipelineOptions &options);

/// Reads that; fails with a message for what is no option or out of range.
mlir::FailureOr<PipelineOptions> parsePipelineOptions(llvm::StringRef text);

/// The help of an option, with what code knows in the places of Options.td that
/// say so: {schedules}, {semantics}, {targets}, {chip}.
std::string describeOption(llvm::StringRef text);

// Each fails with a message where an option is wrong; what only the model can
// tell is found by the passes.

/// Model level to plan level.
mlir::LogicalResult buildPlanPipeline(mlir::OpPassManager &manager,
                                      const PipelineOptions &options);
/// Plan level to rank level, proven free of deadlock.
mlir::LogicalResult buildRankPipeline(mlir::OpPassManager &manager,
                                      const PipelineOptions &options);
/// Layers to native code, then a place for every buffer.
mlir::LogicalResult buildMemoryPipeline(mlir::OpPassManager &manager,
                                        const PipelineOptions &options);
/// What is left to LLVM.
mlir::LogicalResult buildLLVMPipeline(mlir::OpPassManager &manager,
                                      const PipelineOptions &options);

/// Calls `visit` with the options that all pipelines have, as pp-opt --help
/// lists them.
void visitPipelineOptions(
    llvm::function_ref<void(const mlir::detail::PassOptions &)> visit);

/// Registers them as --pp-to-plan, --pp-to-rank, --pp-to-memory and
/// --pp-to-llvm, each after the ones before it.
void registerPipelines();

} // namespace pp

#endif // PP_PIPELINES_PIPELINES_H
