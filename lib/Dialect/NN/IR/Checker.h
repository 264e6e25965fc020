//===- Checker.h - Checks of operands in type inference ---------*- C++ -*-===//
//
// Inference runs without an op (in builders) and with one (in verifiers), so
// its errors go to a location that may be missing. They read as those of
// emitOpError, and cite the constraint of the op's documentation.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIB_DIALECT_NN_IR_CHECKER_H
#define PP_LIB_DIALECT_NN_IR_CHECKER_H

#include "pp/Dialect/NN/IR/NNOps.h"

#include <cmath>

namespace pp::nn::detail {

inline mlir::RankedTensorType tensorType(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType());
}

inline llvm::ArrayRef<int64_t> shapeOf(mlir::Value value) {
  return tensorType(value).getShape();
}

/// A shape with another element type.
inline mlir::RankedTensorType tensorOf(llvm::ArrayRef<int64_t> shape,
                                       mlir::Type elementType) {
  return mlir::RankedTensorType::get(shape, elementType);
}

/// The type of statistics (sums, log-sum-exp, losses) of `elementType`: bf16
/// has too few bits for them.
mlir::Type statisticsType(mlir::Type elementType);

/// The element type of a sum over values of `elementType` that is added to
/// `init` (may be null): bf16 may add to f32, and then stays f32.
mlir::Type accumulationType(mlir::Type elementType, mlir::Value init);

/// "4x128x256", or "()" for a scalar.
std::string shapeText(llvm::ArrayRef<int64_t> shape);

/// A named operand of an op whose types are checked.
struct Operand {
  llvm::StringRef name;
  mlir::Value value;
};

/// A part of what an op counts has numbers; see nn.embedding.
struct NumbersOf {
  llvm::StringRef ofVector, ofCount; ///< numbers of constraints
  int64_t size;                      ///< of the part
  mlir::Value ids;
};

struct Checker {
  std::optional<mlir::Location> location;
  llvm::StringRef op;

  template <typename... Args> mlir::LogicalResult fail(Args &&...args) const {
    return mlir::emitOptionalError(location, "'", op, "' op ",
                                   std::forward<Args>(args)...);
  }

  /// All operands that are present have the element type of the first.
  mlir::LogicalResult sameElementType(llvm::StringRef constraint,
                                      llvm::ArrayRef<Operand> operands) const;

  /// The operand, if present, has the type `expected`, which is that of
  /// `source`.
  mlir::LogicalResult hasType(llvm::StringRef constraint, Operand operand,
                              mlir::Type expected,
                              llvm::StringRef source) const;

  mlir::LogicalResult hasRank(llvm::StringRef constraint, Operand operand,
                              int64_t rank, llvm::StringRef remedy) const;
  mlir::LogicalResult hasRankAtLeast(llvm::StringRef constraint,
                                     Operand operand, int64_t rank,
                                     llvm::StringRef remedy) const;

  /// `numbers` (may be null, as `count` then is) are those of `part`.
  mlir::LogicalResult areNumbers(const NumbersOf &part, mlir::Value numbers,
                                 std::optional<int64_t> count) const;

  /// `axis` is a dimension of `operand`.
  mlir::LogicalResult isAxis(llvm::StringRef constraint, int64_t axis,
                             Operand operand) const;

  /// `number` is finite, also in the type in which an op on `elementType`
  /// computes.
  mlir::LogicalResult isFinite(llvm::StringRef constraint, llvm::StringRef name,
                               double number, mlir::Type elementType) const;

  /// There `number` is 0 only if it was meant to be.
  mlir::LogicalResult isNotRoundedToZero(llvm::StringRef constraint,
                                         llvm::StringRef name, double number,
                                         mlir::Type elementType) const;
};

} // namespace pp::nn::detail

#endif // PP_LIB_DIALECT_NN_IR_CHECKER_H
