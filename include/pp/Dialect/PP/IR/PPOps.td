//===- PPOps.td - Ops of the pp dialect ------------------------*- tablegen -*-===//

#ifndef PP_DIALECT_PP_IR_PPOPS_TD
#define PP_DIALECT_PP_IR_PPOPS_TD

include "pp/Dialect/PP/IR/PPDialect.td"
include "pp/Interfaces/CostOpInterface.td"
include "pp/Interfaces/DifferentiableOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class PP_Op<string mnemonic, list<Trait> traits = []>
    : Op<PP_Dialect, mnemonic, !listconcat([Pure], traits)>;

#endif // PP_DIALECT_PP_IR_PPOPS_TD
