//===- PPBase.td - Types and classes of the pp dialect ---------*- tablegen -*-===//

#ifndef PP_DIALECT_PP_IR_PPBASE_TD
#define PP_DIALECT_PP_IR_PPBASE_TD

include "pp/Dialect/PP/IR/PPDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/CommonAttrConstraints.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def PP_TokenType : TypeDef<PP_Dialect, "Token"> {
  let mnemonic = "token";
  let summary = "a transfer that has been posted and not waited for";
  let description = [{
    Each token is waited for exactly once, by `pp.wait` (receive) or
    `pp.wait_send` (send).
  }];
}

/// A tensor whose size is known: all memory is planned before a program runs.
def PP_Tensor : StaticShapeTensorOf<[AnyType]>;
def PP_FloatTensor : StaticShapeTensorOf<[F32, F64, BF16, F16]>;
def PP_Loss : 0DTensorOf<[F32, F64, BF16, F16]>;

/// Order of the ops of a program is kept by three resources: what happens on
/// channels, the parameters and the gradient accumulators of the rank.
def PP_ChannelResource : Resource<"::pp::ChannelResource">;
def PP_ParameterResource : Resource<"::pp::ParameterResource">;
def PP_GradientResource : Resource<"::pp::GradientResource">;

def PP_ChannelEffects
    : MemoryEffects<[MemRead<PP_ChannelResource>, MemWrite<PP_ChannelResource>]>;

def PP_CollectiveKind : I32EnumAttr<"CollectiveKind",
    "what a group of ranks makes of the values of its members", [
    I32EnumAttrCase<"AllReduce", 0, "all_reduce">,
    I32EnumAttrCase<"ReduceScatter", 1, "reduce_scatter">,
    I32EnumAttrCase<"AllGather", 2, "all_gather">,
    I32EnumAttrCase<"AllToAll", 3, "all_to_all">]> {
  let cppNamespace = "::pp";
  let description = [{
    The sum for all, a part of the sum for each, all parts for all, a part of
    all for each: as the ops of `comm`.
  }];
}

def PP_ActionKind : I32EnumAttr<"ActionKind", "what a stage does", [
    I32EnumAttrCase<"F", 0>, I32EnumAttrCase<"B", 1>,
    I32EnumAttrCase<"I", 2>, I32EnumAttrCase<"W", 3>]> {
  let cppNamespace = "::pp";
  let description = [{
    F forward, B full backward, I the half of the backward that the input
    gradients need, W the half that the weight gradients need. The spelling is
    that of PyTorch's schedules.
  }];
}

class PP_Op<string mnemonic, list<Trait> traits = []>
    : Op<PP_Dialect, mnemonic, traits>;

#endif // PP_DIALECT_PP_IR_PPBASE_TD
