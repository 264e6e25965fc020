//===- RankOpInterface.td - Ops of rank programs ---------------*- tablegen -*-===//

#ifndef PP_DIALECT_PP_IR_RANKOPINTERFACE_TD
#define PP_DIALECT_PP_IR_RANKOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def PP_RankOpInterface : OpInterface<"RankOpInterface"> {
  let description = [{
    What passes ask of an op in a rank program: the micro-batch it belongs to,
    what it does about communication, how its values are distributed, the
    buffers it needs, and the runtime calls that it becomes. The defaults are those of an op without any.
  }];
  let cppNamespace = "::pp";
  let methods = [
    InterfaceMethod<
      "The micro-batch as written; nothing for what a step does once.",
      "::std::optional<int64_t>", "getInstance", (ins), "",
      [{ return std::nullopt; }]>,
    InterfaceMethod<
      "Makes the op one of a micro-batch that is `by` later. In order: a wait "
      "without a micro-batch of its own follows what it waits for.",
      "void", "moveInstance", (ins "int64_t":$by), "",
      [{ (void)by; }]>,
    InterfaceMethod<
      "What the op and those of other micro-batches have in common.",
      "::pp::SeriesKey", "getSeriesKey", (ins), "",
      [{ return {$_op->getName().getAsOpaquePointer(), nullptr, nullptr}; }]>,
    InterfaceMethod<
      "What the op posts or waits for; nothing if neither.",
      "::std::optional<::pp::CommunicationEvent>", "getCommunication", (ins),
      "", [{ return std::nullopt; }]>,
    InterfaceMethod<
      "Sets the distributions of what the op makes, and proves those of what it "
      "takes. Emits an error and fails where they are others.",
      "::llvm::LogicalResult", "inferDistributions",
      (ins "::pp::ProgramDistributions &":$distributions), "",
      [{ (void)distributions; return ::mlir::success(); }]>,
    InterfaceMethod<
      "Declares the buffers that the op makes or needs, and which of its "
      "results share one. Emits an error and fails on what cannot be placed.",
      "::llvm::LogicalResult", "declareBuffers",
      (ins "::pp::BufferDeclarations &":$buffers), "",
      [{ (void)buffers; return ::mlir::success(); }]>,
    InterfaceMethod<
      "What the op is in a trace; nothing for what the runtime accounts itself.",
      "::std::optional<::pp::TracedAction>", "getTracedAction",
      (ins "::mlir::SymbolTableCollection &":$symbols), "",
      [{ (void)symbols; return std::nullopt; }]>,
    InterfaceMethod<
      "Appends the calls of the runtime and of functions that the op becomes. "
      "Emits an error and fails on what has none.",
      "::llvm::LogicalResult", "lowerToCalls",
      (ins "::pp::StepCalls &":$calls), "",
      [{ (void)calls; return ::mlir::success(); }]>,
  ];
}

#endif // PP_DIALECT_PP_IR_RANKOPINTERFACE_TD
