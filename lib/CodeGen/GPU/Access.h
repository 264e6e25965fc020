//===- Access.h - Views as places in whole buffers --------------*- C++ -*-===//

#ifndef PP_LIB_CODEGEN_GPU_ACCESS_H
#define PP_LIB_CODEGEN_GPU_ACCESS_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"

namespace pp::device {

/// Element (i0, i1, ...) of a view lies at offset + sum of variable * stride +
/// sum of i * stride in its whole buffer; all in elements.
struct Access {
  mlir::Value root;
  int64_t offset = 0;
  mlir::SmallVector<std::pair<mlir::Value, int64_t>> variable;
  mlir::SmallVector<int64_t> strides;

  mlir::MemRefType rootType() const {
    return mlir::cast<mlir::MemRefType>(root.getType());
  }
};

/// Fails, with an error, where `op` or an op inside takes a buffer that is too
/// large for a kernel: kernels count elements in 32 bits.
mlir::LogicalResult verifySizes(mlir::Operation *op);

/// Follows `view` to its buffer; fails, with an error at `user`, where a size
/// or stride is not static.
mlir::FailureOr<Access> accessOf(mlir::Value view, mlir::Operation *user);

} // namespace pp::device

#endif // PP_LIB_CODEGEN_GPU_ACCESS_H
