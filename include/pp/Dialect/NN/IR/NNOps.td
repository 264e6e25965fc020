//===- NNOps.td - Ops of the nn dialect ------------------------*- tablegen -*-===//

#ifndef PP_DIALECT_NN_IR_NNOPS_TD
#define PP_DIALECT_NN_IR_NNOPS_TD

include "pp/Dialect/NN/IR/NNDialect.td"
include "pp/Interfaces/CostOpInterface.td"
include "pp/Interfaces/DifferentiableOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class NN_Op<string mnemonic, list<Trait> traits = []>
    : Op<NN_Dialect, mnemonic, !listconcat([Pure], traits)>;

#endif // PP_DIALECT_NN_IR_NNOPS_TD
