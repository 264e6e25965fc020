//===- Planner.h - Options that keep to a memory limit ----------*- C++ -*-===//
//
// What planning decides is a few options of the pipelines, so that whoever
// knows them gets the same plan without a search.
//
//===----------------------------------------------------------------------===//

#ifndef PP_PLANNER_PLANNER_H
#define PP_PLANNER_PLANNER_H

#include "pp/Pipelines/Pipelines.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace pp {

/// Runs the pipelines from a model to the memory of its programs: says exactly
/// what options lead to. Fails, with errors, where that exceeds the limit.
using PlanOracle = llvm::function_ref<mlir::LogicalResult(
    mlir::ModuleOp model, const PipelineOptions &options)>;

/// The fastest plan of `model` that is found within `options.memoryLimit` bytes
/// a rank, as the oracle left it; `options` become those that give it. Of tries
/// that fail the first one's errors are reported, of the others only what the
/// plan that is taken has said.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
planWithinLimit(mlir::ModuleOp model, PipelineOptions &options,
                PlanOracle toMemory);

/// Seconds of a step that the programs of a module are predicted to take.
double predictMakespan(mlir::ModuleOp module);

} // namespace pp

#endif // PP_PLANNER_PLANNER_H
