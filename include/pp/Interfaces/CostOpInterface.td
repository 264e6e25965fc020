//===- CostOpInterface.td - What an op costs -------------------*- tablegen -*-===//

#ifndef PP_INTERFACES_COSTOPINTERFACE_TD
#define PP_INTERFACES_COSTOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def CostOpInterface : OpInterface<"CostOpInterface"> {
  let cppNamespace = "::pp";
  let description = [{
    An op that knows its arithmetic and its memory traffic, for partitioning,
    schedules and rooflines. A multiplication and an addition count as two
    operations; a transcendental function counts as one. A collective also says
    what it puts on the wire: such an op is never free, however little it
    computes, and nothing repeats it to save memory.
  }];

  let methods = [
    InterfaceMethod<"Floating-point operations of one execution.",
      "uint64_t", "getFlops">,
    InterfaceMethod<"Bytes that must be read: by default every operand, once.",
      "uint64_t", "getBytesRead", (ins), [{}], [{
        return ::pp::detail::sumOfBytes($_op->getOperandTypes());
      }]>,
    InterfaceMethod<"Bytes that must be written: by default every result, once.",
      "uint64_t", "getBytesWritten", (ins), [{}], [{
        return ::pp::detail::sumOfBytes($_op->getResultTypes());
      }]>,
    InterfaceMethod<"What the op puts on the wire; by default it is no collective.",
      "std::optional<::pp::Communication>", "getCommunication", (ins), [{}], [{
        return std::nullopt;
      }]>,
    InterfaceMethod<[{Whether a collective is to be made again in the backward,
      from an operand that is smaller than its result, instead of keeping that.}],
      "bool", "isMadeAgain", (ins), [{}], [{
        return false;
      }]>
  ];
}

#endif // PP_INTERFACES_COSTOPINTERFACE_TD
