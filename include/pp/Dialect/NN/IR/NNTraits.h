//===- NNTraits.h - What all ops of nn have in common -----------*- C++ -*-===//

#ifndef PP_DIALECT_NN_IR_NNTRAITS_H
#define PP_DIALECT_NN_IR_NNTRAITS_H

#include "mlir/IR/OpDefinition.h"

namespace pp::nn {
namespace detail {
mlir::LogicalResult verifyStaticTensors(mlir::Operation *op);
mlir::LogicalResult verifyInferredResults(mlir::Operation *op);
} // namespace detail

/// Tensors among operands and results have static shapes, of rank at most 8,
/// without empty dimensions.
template <typename ConcreteType>
class StaticTensors
    : public mlir::OpTrait::TraitBase<ConcreteType, StaticTensors> {
public:
  static mlir::LogicalResult verifyTrait(mlir::Operation *op) {
    return detail::verifyStaticTensors(op);
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
} // namespace pp::nn

#endif // PP_DIALECT_NN_IR_NNTRAITS_H
