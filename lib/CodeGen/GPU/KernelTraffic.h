//===- KernelTraffic.h - Bytes that a kernel moves --------------*- C++ -*-===//

#ifndef PP_LIB_CODEGEN_GPU_KERNELTRAFFIC_H
#define PP_LIB_CODEGEN_GPU_KERNELTRAFFIC_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace pp::device {

/// Bytes of one launch; 0 where a buffer has no fixed size.
struct KernelTraffic {
  int64_t bytes = 0; ///< read and written by its loads and stores
  int64_t least = 0; ///< what it uses of its operands and results, each once
};

/// `blocks` is the size of the grid, 0 if it is not known.
KernelTraffic trafficOf(mlir::gpu::GPUFuncOp kernel, int64_t blocks);

/// What a kernel of RuntimeKernels.mlir moves. Its length is an argument, so
/// this is for each element, and for a launch.
struct ElementTraffic {
  int64_t bytes = 0;    ///< of an element, read and written
  int64_t least = 0;    ///< if each argument is read and written at most once
  int64_t optional = 0; ///< of `bytes`: of arguments that may be null
  int64_t fixed = 0;    ///< of a launch, at addresses that all threads share
};

/// Counts an access at an address that depends on the thread or on a loop for
/// each element, and of two branches the one that moves more: a vector of the
/// thread, or its elements one by one.
ElementTraffic elementTrafficOf(mlir::gpu::GPUFuncOp kernel);

/// The buffer that `buffer` is a view of.
mlir::Value rootOf(mlir::Value buffer);

/// On loops whose bounds are not constants: how often a thread runs the body,
/// on average.
constexpr llvm::StringLiteral kTrips("pp.trips");
/// On arguments that only hold what one launch stores and loads again.
constexpr llvm::StringLiteral kTemporary("pp.temporary");
/// On arguments of the runtime's kernels that may be null.
constexpr llvm::StringLiteral kOptional("pprt.optional");

} // namespace pp::device

#endif // PP_LIB_CODEGEN_GPU_KERNELTRAFFIC_H
