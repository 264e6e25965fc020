//===- NNDialect.td - The nn dialect ---------------------------*- tablegen -*-===//

#ifndef PP_DIALECT_NN_IR_NNDIALECT_TD
#define PP_DIALECT_NN_IR_NNDIALECT_TD

include "mlir/IR/OpBase.td"

def NN_Dialect : Dialect {
  let name = "nn";
  let cppNamespace = "::pp::nn";
  let summary = "the mathematics of neural-network layers";
  let description = [{
    Ops on statically shaped tensors that differentiation, cost models and code
    generation know about. The dialect says nothing of parallelism: that is
    `pp`'s. Ops are pure values of their operands; a gradient op is an op like
    any other.
  }];
}

#endif // PP_DIALECT_NN_IR_NNDIALECT_TD
