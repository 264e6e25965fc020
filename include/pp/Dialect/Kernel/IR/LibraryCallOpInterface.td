//===- LibraryCallOpInterface.td - What passes ask of calls ----*- tablegen -*-===//

#ifndef PP_DIALECT_KERNEL_IR_LIBRARYCALLOPINTERFACE_TD
#define PP_DIALECT_KERNEL_IR_LIBRARYCALLOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def LibraryCallOpInterface : OpInterface<"LibraryCallOpInterface"> {
  let description = [{
    The call of a function of a library or of the runtime, on each target.
    Effects and bufferization follow from operands and destinations
    (`DestinationStyleOpInterface`); what passes want to know beside these, they
    ask here, and have no list of ops.
  }];
  let cppNamespace = "::pp::kernel";
  let methods = [
    InterfaceMethod<[{
        The destination whose contents count, or null. What the others hold
        before the call means nothing.
      }],
      "::mlir::Value", "getReadDestination", (ins), "",
      [{ return {}; }]>,
    InterfaceMethod<[{
        Whether the call does more than read operands and write destinations, so
        that it is not dead without results.
      }],
      "bool", "actsBeyondBuffers", (ins), "",
      [{ return false; }]>,
    InterfaceMethod<[{
        The operand that is scratch memory, a vector, or null: what it holds means
        nothing before and after the call.
      }],
      "::mlir::OpOperand *", "getWorkspaceOperand", (ins), "",
      [{ return nullptr; }]>,
    InterfaceMethod<[{
        Bytes of scratch memory that the library of `target` wants.
      }],
      "int64_t", "getWorkspaceBytes",
      (ins "const ::pp::kernel::LibraryTarget &":$target), "",
      [{ return 0; }]>,
    InterfaceMethod<[{
        Whether the order in which the call may sum decides over its workspace.
        Then the pass that sizes it keeps both sizes, for the call and reports.
      }],
      "bool", "hasChoiceOfOrder", (ins), "",
      [{ return false; }]>,
    InterfaceMethod<[{
        Whether operands have to lie in memory without gaps, in the order of their
        elements. What does not is copied when buffers are made.
      }],
      "bool", "wantsContiguousOperands", (ins), "",
      [{ return false; }]>,
    InterfaceMethod<[{
        Whether the elements of each row (the last dimension) have to lie side by
        side. Operands where they do not are copied when buffers are made.
      }],
      "bool", "wantsContiguousRows", (ins), "",
      [{ return false; }]>,
    InterfaceMethod<[{
        On memrefs: makes the call of the runtime on CPUs, and erases the op.
      }],
      "::llvm::LogicalResult", "lowerToHostCall",
      (ins "::pp::CallBuilder &":$calls), "",
      [{
        return $_op.emitOpError("found in code for a CPU, whose runtime has no "
                                "call for it, expected code for a GPU");
      }]>,
    InterfaceMethod<[{
        On memrefs: makes the call of the runtime on GPUs, and erases the op.
        Returns what it costs (`DeviceCallBuilder::cost`), or null for a call that
        is not worth a line.
      }],
      "::mlir::FailureOr<::mlir::DictionaryAttr>", "lowerToDeviceCall",
      (ins "::pp::DeviceCallBuilder &":$calls), "",
      [{ return $_op.emitOpError("found no call of the runtime for it"); }]>
  ];
}

#endif // PP_DIALECT_KERNEL_IR_LIBRARYCALLOPINTERFACE_TD
