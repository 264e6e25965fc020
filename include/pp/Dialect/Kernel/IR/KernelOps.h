//===- KernelOps.h - Calls of library kernels -------------------*- C++ -*-===//

#ifndef PP_DIALECT_KERNEL_IR_KERNELOPS_H
#define PP_DIALECT_KERNEL_IR_KERNELOPS_H

#include "pp/Dialect/Kernel/IR/KernelDialect.h"
#include "pp/Dialect/Kernel/IR/LibraryCallOpInterface.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "pp/Dialect/Kernel/IR/KernelEnums.h.inc"

namespace pp::kernel {

/// Of a module of layers: {any_order, workspaces}, with the bytes of the
/// largest workspace of an adjoint of attention in a fixed order and in any.
inline constexpr llvm::StringLiteral kAttentionWorkspaces =
    "pp.attention_workspaces";

/// Of a module of layers whose calls are made, and of one that has them: what
/// kernel.collective means by its number, {kind, axes, type, elements}, as the
/// description has it.
inline constexpr llvm::StringLiteral kCollectives = "pp.collectives";

/// Gives equal collectives of a module of layers one number, and the module
/// kCollectives: before calls are made.
void numberCollectives(mlir::ModuleOp module);

/// Whether a call of this function of the runtime, whose first argument behind
/// the context is a number, begins a collective of layers.
bool beginsCollective(llvm::StringRef function);

namespace detail {
// Of all calls, by their operands and destinations.
void addEffects(
    LibraryCallOpInterface call,
    llvm::SmallVectorImpl<mlir::MemoryEffects::EffectInstance> &effects);
bool readsMemory(LibraryCallOpInterface call, mlir::OpOperand &operand);
bool writesMemory(LibraryCallOpInterface call, mlir::OpOperand &operand);
mlir::bufferization::AliasingValueList
aliasingValues(LibraryCallOpInterface call, mlir::OpOperand &operand);
mlir::LogicalResult
bufferize(LibraryCallOpInterface call, mlir::RewriterBase &rewriter,
          const mlir::bufferization::BufferizationOptions &options,
          mlir::bufferization::BufferizationState &state);
} // namespace detail
} // namespace pp::kernel

#define GET_OP_CLASSES
#include "pp/Dialect/Kernel/IR/KernelOps.h.inc"

#endif // PP_DIALECT_KERNEL_IR_KERNELOPS_H
