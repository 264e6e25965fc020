//===- AccumulatingOpInterface.td - result = init + op ---------*- tablegen -*-===//

#ifndef PP_INTERFACES_ACCUMULATINGOPINTERFACE_TD
#define PP_INTERFACES_ACCUMULATINGOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def AccumulatingOpInterface : OpInterface<"AccumulatingOpInterface"> {
  let cppNamespace = "::pp";
  let description = [{
    An op with one result and an optional operand `init` of the type of that
    result: with it the op computes `init + op(...)` in one go (a GEMM with
    beta = 1). Differentiation folds the sum of a gradient and its accumulator
    into such an op. An op on bf16 also takes an `init` of f32, which makes its
    result f32: nothing is rounded on the way into the sum.
  }];

  let methods = [
    InterfaceMethod<"The value added to the result, null if there is none.",
      "::mlir::Value", "getInit">,
    InterfaceMethod<"The optional operand itself.",
      "::mlir::MutableOperandRange", "getInitMutable">
  ];
}

#endif // PP_INTERFACES_ACCUMULATINGOPINTERFACE_TD
