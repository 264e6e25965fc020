//===- Kernels.h - Ops to kernels, one family a file ------------*- C++ -*-===//
//
// Each function replaces an op by the launch of a kernel.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIB_CODEGEN_GPU_KERNELS_H
#define PP_LIB_CODEGEN_GPU_KERNELS_H

#include "LoopNest.h"

#include "pp/Dialect/Kernel/IR/KernelOps.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace pp::device {

/// Ops whose loops are all parallel.
void outlineElementwise(KernelModule &kernels, LoopNest nest);
/// Loops over rows that pp-fuse-rows made.
mlir::LogicalResult outlineRows(KernelModule &kernels, mlir::scf::ForOp loop);
/// Sums over neighbouring elements: a row for each result.
void outlineRowSums(KernelModule &kernels, LoopNest nest);
/// Sums over distant elements.
void outlineColumnSums(KernelModule &kernels, LoopNest nest);
/// Rows that are added to a table: the op becomes a launch.
void attachScatterAddKernels(mlir::MLIRContext &context);
void attachSumOfSquaresKernels(mlir::MLIRContext &context);
/// Kernels for where the library of attention is missing or has no plan; the op
/// stays, with the attributes `pp.fallback` and, for the adjoint of keys and
/// values, `pp.fallback2`: kernel, grid and block. Fails, with an error, on
/// heads that are too large for registers.
void attachAttentionKernels(mlir::MLIRContext &context);

/// The group for rows of `columns` steps of work, and the threads of its block;
/// sets the block of `kernel`, and `row` to the row of the group. Returns the
/// number of blocks for `rows`.
int64_t chooseGroup(KernelBuilder &kernel, int64_t rows, int64_t columns,
                    Group &group, mlir::Value &row);
/// The rows of one block.
int64_t rowsOfBlock(const Group &group, int64_t rows);
/// Builds `body` for rows that exist only.
void guardRow(KernelBuilder &kernel, const Group &group, int64_t rows,
              mlir::Value row, llvm::function_ref<void()> body);
/// Builds `body(item, carried)` for the items 0, 1, ... of `count` that are the
/// thread's; returns what it carried out.
using Items = llvm::function_ref<mlir::SmallVector<mlir::Value>(
    mlir::Value, mlir::ValueRange)>;
mlir::SmallVector<mlir::Value> forItems(KernelBuilder &kernel,
                                        const Group &group, int64_t count,
                                        mlir::ValueRange init, Items body);
/// Builds the sums of `nest` over a row: `steps` what a thread adds, from the
/// neutral elements on; `store` for each output, with its result, which all
/// threads of the group have.
void sumRow(
    KernelBuilder &kernel, const Group &group, const LoopNest &nest,
    llvm::function_ref<mlir::Value(const LoopNest::Operand &)> loadFormer,
    llvm::function_ref<mlir::SmallVector<mlir::Value>(mlir::ValueRange)> steps,
    llvm::function_ref<void(const LoopNest::Operand &, mlir::Value)> store);
/// Stores a value that all threads of the group have, by one of them.
void storeOnce(KernelBuilder &kernel, const Group &group, mlir::Value value,
               mlir::Value root, mlir::Value at);

/// Devices that work is spread for have about this many multiprocessors.
constexpr int64_t kMultiprocessors = 132;

} // namespace pp::device

#endif // PP_LIB_CODEGEN_GPU_KERNELS_H
