//===- CallBuilder.h - Operands of library calls ----------------*- C++ -*-===//

#ifndef PP_DIALECT_KERNEL_IR_CALLBUILDER_H
#define PP_DIALECT_KERNEL_IR_CALLBUILDER_H

#include "pp/Dialect/Kernel/IR/StructLayout.h"

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
  /// A null address.
  mlir::Value null();

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

  /// The address of a struct of these fields on the stack.
  mlir::Value structOnStack(llvm::ArrayRef<StructField> fields);

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

/// The same for calls of the runtime on GPUs: with addresses on the device, and
/// with what the program around knows.
class DeviceCallBuilder : public CallBuilder {
public:
  using CallBuilder::CallBuilder;

  /// The address of a constant struct of these fields on the host: equal ones
  /// are one, so that the runtime can keep what it plans by the address.
  virtual mlir::Value constantStruct(llvm::StringRef kind,
                                     llvm::ArrayRef<StructField> fields) = 0;
  /// The number by which the runtime launches a kernel; -1 for null.
  virtual int32_t numberOf(mlir::StringAttr kernel) = 0;
  /// Adds to the bits of pprt_gpu_code::libraries.
  virtual void useLibraries(int32_t bits) = 0;
  /// The module of the program's layers.
  virtual mlir::ModuleOp module() = 0;

  /// pprt_gpu_type of the elements of a buffer. An error on the op where a
  /// library has none.
  mlir::FailureOr<int32_t> typeOf(mlir::Value buffer);

  /// What a call moves and computes, by the name that the runtime's times of
  /// kernels have. `element` names the type that a product or attention reads;
  /// none for kernels. Not a type: later passes replace those of bf16.
  mlir::DictionaryAttr cost(const llvm::Twine &name, llvm::StringRef kind,
                            int64_t bytes, int64_t least, double operations,
                            llvm::StringRef element = "");
};
} // namespace pp

#endif // PP_DIALECT_KERNEL_IR_CALLBUILDER_H
