//===- NNTraits.h - What all ops of nn have in common -----------*- C++ -*-===//

#ifndef PP_DIALECT_NN_IR_NNTRAITS_H
#define PP_DIALECT_NN_IR_NNTRAITS_H

#include "mlir/IR/OpDefinition.h"

namespace pp::nn {
namespace detail {
mlir::LogicalResult verifyWellFormed(mlir::Operation *op);
mlir::LogicalResult verifyInferredResults(mlir::Operation *op);
/// Rejects tensors of more than 2^48 elements; `kind` and `number` say which
/// operand or result of `op` it is.
mlir::LogicalResult verifyElements(mlir::Operation *op, llvm::StringRef kind,
                                   unsigned number, mlir::Type type);
/// Rejects attributes without a dialect that are not in `known`: `{casual}` for
/// `{causal}` would quietly train another model.
mlir::LogicalResult verifyAttributes(mlir::Operation *op,
                                     llvm::ArrayRef<mlir::StringAttr> known);
} // namespace detail

/// Tensors among operands and results have static shapes, of rank at most 8 and
/// at most 2^48 elements, without empty dimensions. Attributes that are not the
/// op's own carry the prefix of a dialect: a misspelt one would otherwise be
/// ignored.
template <typename ConcreteType>
class WellFormed : public mlir::OpTrait::TraitBase<ConcreteType, WellFormed> {
public:
  static mlir::LogicalResult verifyTrait(mlir::Operation *op) {
    return detail::verifyWellFormed(op);
  }
};

/// The types of the results are those that the op infers.
template <typename ConcreteType>
class InferredResults
    : public mlir::OpTrait::TraitBase<ConcreteType, InferredResults> {
public:
  static mlir::LogicalResult verifyTrait(mlir::Operation *op) {
    return detail::verifyInferredResults(op);
  }
};

/// The op sums many elements into few. Where a layer is lowered to bf16 it
/// takes and gives f32, so that the sum is not rounded before it is used.
template <typename ConcreteType>
class SumsInFullPrecision
    : public mlir::OpTrait::TraitBase<ConcreteType, SumsInFullPrecision> {};

/// The results are elements of the first operand, which can be read in place.
template <typename ConcreteType>
class IsView : public mlir::OpTrait::TraitBase<ConcreteType, IsView> {};
} // namespace pp::nn

#endif // PP_DIALECT_NN_IR_NNTRAITS_H
