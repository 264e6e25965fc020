//===- Operands.h - What verifiers of calls share ---------------*- C++ -*-===//

#ifndef PP_LIB_DIALECT_KERNEL_IR_OPERANDS_H
#define PP_LIB_DIALECT_KERNEL_IR_OPERANDS_H

#include "pp/Dialect/Kernel/IR/KernelOps.h"

namespace pp::kernel {

inline mlir::ArrayRef<int64_t> shapeOf(mlir::Value value) {
  return mlir::cast<mlir::ShapedType>(value.getType()).getShape();
}
inline mlir::Type elementOf(mlir::Value value) {
  return mlir::cast<mlir::ShapedType>(value.getType()).getElementType();
}
/// Of a tensor or buffer, without gaps between rows.
int64_t bytesOf(mlir::Value value);

/// f32, as sums and statistics are.
mlir::LogicalResult verifyF32(mlir::Operation *op, llvm::StringRef name,
                              mlir::Value value);
/// All have the elements of the first, f32 or bf16.
mlir::LogicalResult verifyElements(mlir::Operation *op,
                                   mlir::ValueRange matrices);
/// A vector as large as the runtime's call on CPUs wants.
mlir::LogicalResult verifyWorkspace(LibraryCallOpInterface call);

} // namespace pp::kernel

#endif // PP_LIB_DIALECT_KERNEL_IR_OPERANDS_H
