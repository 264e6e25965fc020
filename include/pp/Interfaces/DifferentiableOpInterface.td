//===- DifferentiableOpInterface.td - The adjoint of an op -----*- tablegen -*-===//

#ifndef PP_INTERFACES_DIFFERENTIABLEOPINTERFACE_TD
#define PP_INTERFACES_DIFFERENTIABLEOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::pp";
  let description = [{
    An op that knows its adjoint (its vector-Jacobian product). Reverse-mode
    differentiation walks a function backwards and asks each op to turn the
    cotangents of its results into the cotangents of its operands. What the
    adjoint reads of the forward computation (operands, results) becomes a
    residual by that use alone: an op declares none.
  }];

  let methods = [
    InterfaceMethod<[{
      Builds the adjoint at the insertion point of `builder`.

      `cotangents` has one entry a result, null where the cotangent is zero (at
      least one is not null), each of the type of its result. On success
      `operandCotangents`, which comes with one null entry an operand, holds
      for each operand its cotangent, of the type of the operand, or stays null
      where it is zero or the operand is not differentiable (integers).
      `needed` has one flag an operand: the cotangent of an operand whose flag
      is false will not be used and need not be built.
      Fails after emitting an error where the op has no derivative.
    }],
      "::llvm::LogicalResult", "buildAdjoint",
      (ins "::mlir::OpBuilder &":$builder,
           "::mlir::ValueRange":$cotangents,
           "::llvm::ArrayRef<bool>":$needed,
           "::llvm::SmallVectorImpl<::mlir::Value> &":$operandCotangents)>
  ];
}

#endif // PP_INTERFACES_DIFFERENTIABLEOPINTERFACE_TD
