//===- KernelCalls.h - Operands of library calls ----------------*- C++ -*-===//

#ifndef PP_CONVERSION_KERNELCALLS_H
#define PP_CONVERSION_KERNELCALLS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

namespace pp {
/// A matrix, or a batch of them, as a library wants it.
struct Matrix {
  mlir::Value pointer;
  int64_t leading = 0;     ///< distance of rows in elements
  int64_t stride = 0;      ///< distance of matrices of a batch
  bool transposed = false; ///< memory holds the transpose
};

/// Gives every public function of `module` the runtime's context as its first
/// argument, an `!llvm.ptr`: what the runtime calls of layers take. Private
/// functions are pieces of layers, which call nothing of the runtime.
void addContexts(mlir::ModuleOp module);

/// Addresses and calls in front of one op, which the call replaces. What a
/// library cannot take is an error on the op.
class CallBuilder {
public:
  explicit CallBuilder(mlir::Operation *op) : op(op), builder(op) {}
  virtual ~CallBuilder() = default;

  mlir::Value i32(int64_t value);
  mlir::Value i64(int64_t value);
  mlir::Value f32(double value);

  /// The address of the first element of a memref with a static offset.
  mlir::FailureOr<mlir::Value> pointer(mlir::Value buffer);
  /// A memref of rank 2 or 3 with contiguous rows; or columns, if it
  /// `mayTranspose`.
  mlir::FailureOr<Matrix> matrix(mlir::Value buffer, bool mayTranspose);

  /// The address of `text` on the host, zero-terminated.
  mlir::Value text(llvm::StringRef text);

  /// The context that the function around has been given. An error on the op
  /// where that has none.
  mlir::FailureOr<mlir::Value> context();

  /// The call of `name` that checks ids, of pprt.h or pprt_gpu.h.
  mlir::LogicalResult checkIds(llvm::StringRef name);

  /// Calls `name`, which returns nothing, and erases the op.
  mlir::LogicalResult call(llvm::StringRef name, mlir::ValueRange operands);
  /// The same with the context in front of the operands.
  mlir::LogicalResult callWithContext(llvm::StringRef name,
                                      mlir::ValueRange operands);

protected:
  /// The address of the memory that a memref is a view of.
  virtual mlir::FailureOr<mlir::Value> base(mlir::Value buffer);

  mlir::Operation *op;
  mlir::OpBuilder builder;
};
} // namespace pp

#endif // PP_CONVERSION_KERNELCALLS_H
