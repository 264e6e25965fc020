//===- CollectiveOpInterface.td - Steps between distributions --*- tablegen -*-===//

#ifndef PP_DIALECT_COMM_IR_COLLECTIVEOPINTERFACE_TD
#define PP_DIALECT_COMM_IR_COLLECTIVEOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def CollectiveOpInterface : OpInterface<"CollectiveOpInterface"> {
  let cppNamespace = "::pp::comm";
  let description = [{
    An op with at most one operand and one result which takes its operand from
    one distribution to another on the axes that it names, and leaves all other
    axes as they are. As a function of whole tensors it is the identity, or a
    rotation of blocks (`comm.permute`): a collective changes where a value
    lies, never what it is.
  }];

  let methods = [
    InterfaceMethod<"The names of the axes.", "::mlir::ArrayAttr", "getAxes">,
    InterfaceMethod<[{
      The distribution of the result on each of the axes, where that of the
      operand is `operand`; nothing if the op does not take it.
    }],
      "std::optional<::pp::comm::Distribution>", "getTransition",
      (ins "::pp::comm::Distribution":$operand)>,
    InterfaceMethod<[{
      What the op takes, for errors: "partial", "varying(1)".
    }],
      "std::string", "getExpected">,
    InterfaceMethod<[{
      Dimensions whose parts are exchanged: on no other axis may one of them be
      sharded, since blocks of two axes nest in one order only.
    }],
      "::llvm::SmallVector<int64_t>", "getExchangedDims">
  ];
}

#endif // PP_DIALECT_COMM_IR_COLLECTIVEOPINTERFACE_TD
