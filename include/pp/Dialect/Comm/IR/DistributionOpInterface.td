//===- DistributionOpInterface.td - Distributions by the op ----*- tablegen -*-===//

#ifndef PP_DIALECT_COMM_IR_DISTRIBUTIONOPINTERFACE_TD
#define PP_DIALECT_COMM_IR_DISTRIBUTIONOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def DistributionOpInterface : OpInterface<"DistributionOpInterface"> {
  let cppNamespace = "::pp::comm";
  let description = [{
    An op whose results have distributions that no rule over its loops gives: a
    parameter, which is cut as its sharding says, or the use of a function that
    is no call.
  }];

  let methods = [
    InterfaceMethod<[{
      Sets the distributions of the results, after proving of the operands what
      the op needs. Emits an error and fails where they are others.
    }],
      "::llvm::LogicalResult", "inferDistributions",
      (ins "::pp::comm::DistributionInference &":$inference)>
  ];
}

#endif // PP_DIALECT_COMM_IR_DISTRIBUTIONOPINTERFACE_TD
