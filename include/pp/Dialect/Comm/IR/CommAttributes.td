//===- CommAttributes.td - Distributions of values -------------*- tablegen -*-===//

#ifndef PP_DIALECT_COMM_IR_COMMATTRIBUTES_TD
#define PP_DIALECT_COMM_IR_COMMATTRIBUTES_TD

include "pp/Dialect/Comm/IR/CommDialect.td"
include "mlir/IR/AttrTypeBase.td"

def Comm_DistributionAttr : AttrDef<Comm_Dialect, "Distribution"> {
  let mnemonic = "distribution";
  let summary = "how a value is distributed on axes of the mesh";
  let description = [{
    The distribution of an argument or a result of a function, as the attribute
    `comm.distribution`. On an axis that is not named the value is `invariant`.

    (C1) Names of axes are not empty, and each stands once.

    (C2) The dimension of `varying` is from 0 to 7, and one of the value's.

    (C3) The blocks of `varying(d, blocks)`, of each of which a coordinate has
    its part, are at least 1 and divide the dimension. Without them it is one.

    Example: `#comm.distribution<{"data" = partial, "tensor" = varying(1)}>`
  }];
  let parameters = (ins
      ArrayRefParameter<"::mlir::StringAttr", "names of axes">:$axes,
      ArrayRefParameter<"::pp::comm::Distribution", "one an axis">:
        $distributions);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// On the axis of that name.
    ::pp::comm::Distribution lookup(::llvm::StringRef axis) const;
  }];
}

#endif // PP_DIALECT_COMM_IR_COMMATTRIBUTES_TD
