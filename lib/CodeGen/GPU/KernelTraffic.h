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

/// The buffer that `buffer` is a view of.
mlir::Value rootOf(mlir::Value buffer);

/// On loops whose bounds are not constants: how often a thread runs the body,
/// on average.
constexpr llvm::StringLiteral kTrips("pp.trips");
/// On arguments that only hold what one launch stores and loads again.
constexpr llvm::StringLiteral kTemporary("pp.temporary");

} // namespace pp::device

#endif // PP_LIB_CODEGEN_GPU_KERNELTRAFFIC_H
