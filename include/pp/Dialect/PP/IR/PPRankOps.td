//===- PPRankOps.td - Rank level of the pp dialect -------------*- tablegen -*-===//

#ifndef PP_DIALECT_PP_IR_PPRANKOPS_TD
#define PP_DIALECT_PP_IR_PPRANKOPS_TD

include "pp/Dialect/Comm/IR/CollectiveOpInterface.td"
include "pp/Dialect/PP/IR/PPBase.td"
include "pp/Dialect/PP/IR/RankOpInterface.td"

//===----------------------------------------------------------------------===//
// Channels and programs
//===----------------------------------------------------------------------===//

def PP_ChannelOp : PP_Op<"channel", [Symbol, HasParent<"::mlir::ModuleOp">]> {
  let summary = "a directed edge between two pipe coordinates";
  let description = [{
    Constraints:
    1. Source and destination are different coordinates on the axis "pipe", below 2^16.

    Example:
    ```mlir
    pp.channel @p0_to_p1 from(0) to(1)
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$source,
      I64Attr:$destination);
  let assemblyFormat = [{
    $sym_name `from` `(` $source `)` `to` `(` $destination `)` attr-dict
  }];
  let hasVerifier = 1;
}

def PP_ProgramOp : PP_Op<"program", [Symbol, IsolatedFromAbove, SingleBlock,
    NoTerminator, HasParent<"::mlir::ModuleOp">]> {
  let summary = "what the ranks of one pipe coordinate do in a training step, in order";
  let description = [{
    Constraints:
    1. The body ends with `pp.return` without operands; `pipe` is below 2^16.
    2. Every token is waited for exactly once; with loops, that of a micro-batch
       may have any number of waits, and pp-verify-communication counts what
       they wait for.
    3. The buffer of a receive is read by its `pp.wait` only.
    4. `pp.begin_loop` and `pp.end_loop` stand in pairs, not within each other.
    5. All ops of a loop belong to a micro-batch. Micro-batches and tags of the
       last round are in range, too.
    6. With every round, the program runs at most 2^26 ops.
    7. A program with `evaluates` runs F alone, and of parameters only gathers
       what its own pieces are parts of: it leaves them as they are.

    **Evaluation.** A program with `evaluates` computes the losses of a step's
    micro-batches and trains nothing. It runs between two steps of the program
    with the same `pipe`, in its arena, and names all parameters that this one
    holds: they lie where that one has them.

    **Loops.** What stands in a loop runs once for each round; in round i
    micro-batches and tags are those written plus i times the step. So a value
    is not one of one micro-batch: it stands for the value in all of them, and
    *an op reads what was made for its own micro-batch*, in an earlier round, in
    the warm-up or in another loop. The number of instances of a value that
    are alive at a time is known when memory is planned.

    Example:
    ```mlir
    pp.program @pipe0 pipe(0) {
      %y, %r = pp.run F stage(0) mb(0) @f() : () -> (tensor<8xf32>, tensor<8xf32>)
      pp.begin_loop rounds(30) step(1)
      %y1, %r1 = pp.run F stage(0) mb(1) @f() : () -> (tensor<8xf32>, tensor<8xf32>)
      pp.run B stage(0) mb(0) @b(%r) : (tensor<8xf32>) -> ()
      pp.end_loop
      pp.run B stage(0) mb(30) @b(%r1) : (tensor<8xf32>) -> ()
      pp.all_reduce_report
      pp.return
    }
    pp.program @pipe0.evaluation pipe(0) evaluates([]) {
      pp.begin_loop rounds(31) step(1)
      %y, %r = pp.run F stage(0) mb(0) @f() : () -> (tensor<8xf32>, tensor<8xf32>)
      pp.end_loop
      pp.all_reduce_report
      pp.return
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$pipe,
      OptionalAttr<FlatSymbolRefArrayAttr>:$evaluates);
  let regions = (region SizedRegion<1>:$body);
  let extraClassDeclaration = [{
    /// Whether any part of the program is a loop.
    bool hasLoops();

    bool isEvaluation() { return getEvaluatesAttr() != nullptr; }

    /// Calls `visit` with each op as often as it runs and in that order, with
    /// what its micro-batch and tag grow by in that round; not with the ends of
    /// loops.
    void walkSteps(
        ::llvm::function_ref<void(::mlir::Operation *, int64_t)> visit);
  }];
  let assemblyFormat =
      "$sym_name `pipe` `(` $pipe `)` (`evaluates` `(` $evaluates^ `)`)? "
      "attr-dict-with-keyword $body";
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

/// `methods`: those of RankOpInterface that are not the default.
class PP_RankOp<string mnemonic, list<string> methods, list<Trait> traits = []>
    : PP_Op<mnemonic, !listconcat([HasParent<"ProgramOp">,
        DeclareOpInterfaceMethods<PP_RankOpInterface, methods>], traits)>;

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

def PP_BeginLoopOp : PP_RankOp<"begin_loop", ["lowerToCalls"],
    [PP_ChannelEffects]> {
  let summary = "from here to pp.end_loop, once a round";
  let description = [{
    Constraints:
    1. At least one round, and a step of at least one micro-batch; at most 2^20
       of both.

    Example:
    ```mlir
    pp.begin_loop rounds(30) step(1)
    pp.run B stage(0) mb(0) @b() : () -> ()
    pp.end_loop
    ```
    runs B on the micro-batches 0 to 29.
  }];
  let arguments = (ins I64Attr:$rounds, I64Attr:$step);
  let assemblyFormat =
      "`rounds` `(` $rounds `)` `step` `(` $step `)` attr-dict";
  let hasVerifier = 1;
}

def PP_EndLoopOp : PP_RankOp<"end_loop", ["lowerToCalls"],
    [PP_ChannelEffects]> {
  let summary = "the end of the round that pp.begin_loop starts";
  let description = [{
    Example:
    ```mlir
    pp.begin_loop rounds(30) step(1)
    pp.run B stage(0) mb(0) @b() : () -> ()
    pp.end_loop
    ```
  }];
  let assemblyFormat = "attr-dict";
}

//===----------------------------------------------------------------------===//
// Actions
//===----------------------------------------------------------------------===//

def PP_RunOp : PP_RankOp<"run",
    ["getInstance", "moveInstance", "getSeriesKey", "declareBuffers",
     "getTracedAction", "lowerToCalls", "inferDistributions"], [
    DeclareOpInterfaceMethods<SymbolUserOpInterface>,
    MemoryEffects<[MemRead<PP_ParameterResource>, MemRead<PP_GradientResource>,
                   MemWrite<PP_GradientResource>]>]> {
  let summary = "runs an action: a stage function on one micro-batch";
  let description = [{
    Operands are the arguments of the function that carry `pp.value`, results
    its results that carry `pp.value`, in order. Parameters, accumulators, data
    and key are bound by the attributes of the function's arguments and the
    micro-batch; accumulators are updated in place.

    Constraints:
    1. `callee` names a function of the module.
    2. Operand and result types are those of the named values.
    3. Stage and micro-batch are below 2^20.

    Example:
    ```mlir
    %y, %res = pp.run F stage(1) mb(0) @stage1.forward(%x)
        : (tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>)
    ```
  }];
  let arguments = (ins PP_ActionKind:$kind, I64Attr:$stage,
      I64Attr:$microbatch, FlatSymbolRefAttr:$callee,
      Variadic<PP_Tensor>:$operands);
  let results = (outs Variadic<PP_Tensor>:$results);
  let assemblyFormat = [{
    $kind `stage` `(` $stage `)` `mb` `(` $microbatch `)`
    $callee `(` $operands `)` attr-dict `:` functional-type($operands, $results)
  }];
  let hasVerifier = 1;
}

def PP_LossOp : PP_RankOp<"loss",
    ["getInstance", "moveInstance", "lowerToCalls", "inferDistributions"], [PP_ChannelEffects]> {
  let summary = "reports the loss of a micro-batch";
  let description = [{
    The step's loss is the mean over the micro-batches, summed in their order;
    with `pp.loss_weight` the weighted one.

    Constraints:
    1. The micro-batch is below 2^20.

    Example:
    ```mlir
    pp.loss %loss mb(0) : tensor<f32>
    ```
  }];
  let arguments = (ins PP_Loss:$value, I64Attr:$microbatch);
  let assemblyFormat =
      "$value `mb` `(` $microbatch `)` attr-dict `:` type($value)";
  let hasVerifier = 1;
}

def PP_LossWeightOp : PP_RankOp<"loss_weight",
    ["getInstance", "moveInstance", "lowerToCalls", "inferDistributions"], [PP_ChannelEffects]> {
  let summary = "reports what the loss of a micro-batch counts";
  let description = [{
    The weight of the micro-batch in the mean that is the loss of the step, see
    `pp.model`. Gradients are sums of as many times those of the micro-batches.

    Constraints:
    1. The micro-batch is below 2^20.

    Example:
    ```mlir
    pp.loss_weight %weight mb(0) : tensor<f32>
    ```
  }];
  let arguments = (ins PP_Loss:$value, I64Attr:$microbatch);
  let assemblyFormat =
      "$value `mb` `(` $microbatch `)` attr-dict `:` type($value)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Transfers
//===----------------------------------------------------------------------===//

def PP_ISendOp : PP_RankOp<"isend",
    ["getInstance", "moveInstance", "getSeriesKey", "getCommunication", "getTracedAction", "lowerToCalls",
     "inferDistributions"], [PP_ChannelEffects,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "starts to send a value";
  let description = [{
    The value must not change until `pp.wait_send` has returned. The tag is a
    function of value, channel and micro-batch, so that sender and receiver
    agree on it without counting. Transfers of parameters and their gradients
    have no micro-batch.

    Constraints:
    1. `channel` names a `pp.channel` that starts at the program's pipe coordinate.
    2. The tag is below 2^31 - 1, the micro-batch below 2^20.

    Example:
    ```mlir
    %t = pp.isend %x channel(@p1_to_p0) value("x2") mb(0) tag(0) : tensor<4x8xf32>
    pp.wait_send %t, %x : tensor<4x8xf32>
    ```
  }];
  let arguments = (ins PP_Tensor:$buffer, FlatSymbolRefAttr:$channel,
      StrAttr:$value, OptionalAttr<I64Attr>:$microbatch, I64Attr:$tag);
  let results = (outs PP_TokenType:$token);
  let assemblyFormat = [{
    $buffer `channel` `(` $channel `)` `value` `(` $value `)`
    (`mb` `(` $microbatch^ `)`)? `tag` `(` $tag `)` attr-dict `:` type($buffer)
  }];
  let hasVerifier = 1;
}

def PP_IRecvOp : PP_RankOp<"irecv",
    ["getInstance", "moveInstance", "getSeriesKey", "getCommunication", "declareBuffers",
     "getTracedAction", "lowerToCalls"], [PP_ChannelEffects,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "posts the receive of a value";
  let description = [{
    The buffer belongs to the transfer until `pp.wait` has returned, which
    gives it back as the received value.

    Constraints:
    1. `channel` names a `pp.channel` that ends at the program's pipe coordinate.
    2. The tag is below 2^31 - 1, the micro-batch below 2^20.

    Example:
    ```mlir
    %b, %t = pp.irecv channel(@p0_to_p1) value("x2") mb(0) tag(0) : tensor<4x8xf32>
    %r = pp.wait %t, %b : tensor<4x8xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$channel, StrAttr:$value,
      OptionalAttr<I64Attr>:$microbatch, I64Attr:$tag);
  let results = (outs PP_Tensor:$buffer, PP_TokenType:$token);
  let assemblyFormat = [{
    `channel` `(` $channel `)` `value` `(` $value `)`
    (`mb` `(` $microbatch^ `)`)? `tag` `(` $tag `)` attr-dict `:` type($buffer)
  }];
  let hasVerifier = 1;
}

def PP_WaitOp : PP_RankOp<"wait",
    ["getInstance", "moveInstance", "getSeriesKey", "getCommunication", "declareBuffers",
     "lowerToCalls", "inferDistributions"], [PP_ChannelEffects,
    AllTypesMatch<["buffer", "result"]>]> {
  let summary = "waits for a receive";
  let description = [{
    The result is the received value, in the buffer of the `pp.irecv`. In a
    program with loops the token may be that of another round, and the
    micro-batch says which transfer is meant; without one it is that of the
    `pp.irecv`.

    Constraints:
    1. Token and buffer are results of the same `pp.irecv`.
    2. A micro-batch is that of the `pp.irecv` in a program without loops.

    Example:
    ```mlir
    %b, %t = pp.irecv channel(@p0_to_p1) value("x2") mb(0) tag(0) : tensor<4x8xf32>
    %r = pp.wait %t, %b : tensor<4x8xf32>
    ```
  }];
  let arguments = (ins PP_TokenType:$token, PP_Tensor:$buffer,
      OptionalAttr<I64Attr>:$microbatch);
  let results = (outs PP_Tensor:$result);
  let assemblyFormat = [{
    $token `,` $buffer (`mb` `(` $microbatch^ `)`)? attr-dict `:` type($buffer)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$token,
                                 "::mlir::Value":$buffer), [{
    build($_builder, $_state, buffer.getType(), token, buffer,
          ::mlir::IntegerAttr());
  }]>];
  let hasVerifier = 1;
}

def PP_WaitSendOp : PP_RankOp<"wait_send",
    ["getInstance", "moveInstance", "getSeriesKey", "getCommunication", "lowerToCalls"],
    [PP_ChannelEffects]> {
  let summary = "waits until a sent value may change";
  let description = [{
    Names the buffer, so that it is live until here by plain SSA liveness. The
    micro-batch is that of the transfer, see `pp.wait`.

    Constraints:
    1. The token is that of a `pp.isend` of the buffer.
    2. A micro-batch is that of the `pp.isend` in a program without loops.

    Example:
    ```mlir
    %t = pp.isend %x channel(@p1_to_p0) value("x2") mb(0) tag(0) : tensor<4x8xf32>
    pp.wait_send %t, %x : tensor<4x8xf32>
    ```
  }];
  let arguments = (ins PP_TokenType:$token, PP_Tensor:$buffer,
      OptionalAttr<I64Attr>:$microbatch);
  let assemblyFormat = [{
    $token `,` $buffer (`mb` `(` $microbatch^ `)`)? attr-dict `:` type($buffer)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$token,
                                 "::mlir::Value":$buffer), [{
    build($_builder, $_state, ::mlir::TypeRange(), token, buffer,
          ::mlir::IntegerAttr());
  }]>];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Collectives
//===----------------------------------------------------------------------===//

def PP_StartOp : PP_RankOp<"start",
    ["getInstance", "moveInstance", "getSeriesKey", "getCommunication",
     "declareBuffers", "getTracedAction", "lowerToCalls",
     "inferDistributions"],
    [PP_ChannelEffects, DeclareOpInterfaceMethods<CollectiveOpInterface,
       ["getTransition", "getExpected", "getExchangedDims"]>,
     DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "starts a collective over axes of the mesh";
  let description = [{
    All ranks that differ in their coordinates on `axes` only take part, each
    with its own operand. The buffer belongs to the collective until `pp.finish`
    has returned, which gives it back as the result; the operand must not change
    until then either. Parts of a gather and of a scatter are contiguous, in the
    order of coordinates: of several axes the first counts slowest. They lie along
    the first dimension; or they are *pieces*, one-dimensional, of the elements in
    row-major order, of which the last ones may reach into padding behind the
    whole, which is given the room. The collectives over the same axes are started
    in the same order by all members. Where a step makes a collective for each
    micro-batch, `mb` says which it is.

    Ranks of one pipe coordinate run the same program and so start the same
    collectives; those over the axis "pipe" are compared between programs by
    pp-verify-communication.

    Sums are those of `comm`: of a fixed order, the same bits for all members
    (docs/Rationale.md). So are the steps between distributions: `all_reduce`
    takes a partial sum to an invariant value, `reduce_scatter` to parts of the
    first dimension, `all_gather` takes such parts to an invariant value.
    `all_to_all` takes parts of one of the first two dimensions to parts of the
    other: each member gets its part of every operand, one behind the other.

    Constraints:

    - (C1) `axes` has at least one name; names are not empty and stand once.
    - (C2) Each of them is an axis of the mesh, in the order of the mesh.
    - (C3) The operand has a first dimension, unless it is all-reduced, and a
      second one in `all_to_all`. Only `all_gather` and `all_to_all` take
      integers.
    - (C4) `all_reduce` has the type of its operand as its result; `all_gather`
      that with the first dimension times the size of the group, or one that as
      many pieces hold; `reduce_scatter` that with the first dimension divided by
      it, which the size of the group divides, or a piece, of which as many hold
      the operand. `all_to_all` has parts that are contiguous: its first dimension
      is the size of the group, and becomes 1 and the second one times it; or 1,
      and the other way round.
    - (C5) The micro-batch is below 2^20.

    Example:
    ```mlir
    %b, %t = pp.start reduce_scatter %g over ["data"] value("wte.gradient") : tensor<256x64xf32> -> tensor<128x64xf32>
    %part = pp.finish %t, %g, %b : tensor<256x64xf32> -> tensor<128x64xf32>
    ```
  }];
  let arguments = (ins PP_CollectiveKind:$kind, PP_Tensor:$operand,
      StrArrayAttr:$axes, StrAttr:$value, OptionalAttr<I64Attr>:$microbatch);
  let results = (outs PP_Tensor:$buffer, PP_TokenType:$token);
  let assemblyFormat = [{
    $kind $operand `over` $axes `value` `(` $value `)`
    (`mb` `(` $microbatch^ `)`)? attr-dict
    `:` type($operand) `->` type($buffer)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Whether ranks of several pipe coordinates take part.
    bool spansPipe();
    /// Number of ranks that take part.
    int64_t getGroupSize();
    /// Elements of a part; of an all-reduce of all.
    int64_t getPartElements();
    /// Whether it sums; others move elements of any type.
    bool isSum();
  }];
}

def PP_FinishOp : PP_RankOp<"finish",
    ["getInstance", "moveInstance", "getSeriesKey", "getCommunication",
     "declareBuffers", "lowerToCalls", "inferDistributions"],
    [PP_ChannelEffects, AllTypesMatch<["buffer", "result"]>]> {
  let summary = "waits for a collective";
  let description = [{
    The result is that of the collective, in the buffer of the `pp.start`. It
    names the operand, so that this is live until here by plain SSA liveness.
    The micro-batch is that of the collective, see `pp.wait`.

    Constraints:

    - (C1) The token and the buffer are results of one `pp.start`, and the
      operand is that of it.
    - (C2) A micro-batch is that of the `pp.start` in a program without loops.

    Example:
    ```mlir
    %b, %t = pp.start all_gather %x over ["data"] value("x") mb(0) : tensor<4x8xf32> -> tensor<8x8xf32>
    %y = pp.finish %t, %x, %b mb(0) : tensor<4x8xf32> -> tensor<8x8xf32>
    ```
  }];
  let arguments = (ins PP_TokenType:$token, PP_Tensor:$operand,
      PP_Tensor:$buffer, OptionalAttr<I64Attr>:$microbatch);
  let results = (outs PP_Tensor:$result);
  let assemblyFormat = [{
    $token `,` $operand `,` $buffer (`mb` `(` $microbatch^ `)`)? attr-dict
    `:` type($operand) `->` type($buffer)
  }];
  let hasVerifier = 1;
}

def PP_AllReduceReportOp : PP_RankOp<"all_reduce_report",
    ["getCommunication", "declareBuffers", "lowerToCalls"], [PP_ChannelEffects]> {
  let summary = "all-reduces losses and norms over all axes of the mesh";
  let description = [{
    A `pp.start all_reduce` over all axes and its `pp.finish` at once, of the
    vector in which a rank reports its step: the loss of each micro-batch and its
    weight, the sum of squares of each part of a gradient, whether an id was out of range,
    and votes to stop. Losses and norms are one rank's and 0 at all others, the
    rest is counted, so that the sum has the same bits in any order. The vector
    is the runtime's: `pp.loss`, `pp.loss_weight` and `pp.grad_norm` write to it, votes are cast
    when the op is reached. After it every rank computes the step's loss and the
    factor by which gradients are clipped, in the function with the role
    `conclude`.

    In the proof of communication it takes its place in the order of the
    collectives over all axes, as any other.

    Example:
    ```mlir
    pp.all_reduce_report
    ```
  }];
  let assemblyFormat = "attr-dict";
}

//===----------------------------------------------------------------------===//
// Parameters and gradients
//===----------------------------------------------------------------------===//

class PP_ParameterUse<string mnemonic, list<string> methods, list<Trait> traits>
    : PP_RankOp<mnemonic, methods, !listconcat(
        [DeclareOpInterfaceMethods<SymbolUserOpInterface>], traits)>;

def PP_ZeroGradientOp : PP_ParameterUse<"zero_gradient", ["declareBuffers", "lowerToCalls"],
    [MemoryEffects<[MemWrite<PP_GradientResource>]>]> {
  let summary = "clears the accumulator of one use of a parameter";
  let description = [{
    Constraints:
    1. The use is below 2^20.

    Example:
    ```mlir
    pp.zero_gradient @wte.weight use(0)
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$parameter, I64Attr:$use);
  let assemblyFormat = "$parameter `use` `(` $use `)` attr-dict";
  let hasVerifier = 1;
}

def PP_LoadGradientOp : PP_ParameterUse<"load_gradient", ["declareBuffers", "inferDistributions"],
    [MemoryEffects<[MemRead<PP_GradientResource>,
                    MemWrite<PP_GradientResource>]>]> {
  let summary = "the accumulator of one use of a parameter, as a value";
  let description = [{
    The value is the accumulator's buffer itself, not a copy: no action may add
    to it afterwards.

    Constraints:
    1. The result has the type of the parameter, but f32 where that is bf16.
    2. The use is below 2^20.

    Example:
    ```mlir
    %g1 = pp.load_gradient @wte.weight use(1) : tensor<256x64xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$parameter, I64Attr:$use);
  let results = (outs PP_FloatTensor:$result);
  let assemblyFormat =
      "$parameter `use` `(` $use `)` attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def PP_ReduceGradientsOp : PP_ParameterUse<"reduce_gradients", ["declareBuffers", "getTracedAction", "lowerToCalls", "inferDistributions"],
    [MemoryEffects<[MemRead<PP_GradientResource>,
                    MemWrite<PP_GradientResource>]>,
     SameOperandsAndResultType]> {
  let summary = "sums the gradients of all uses of a parameter";
  let description = [{
    A left fold, ((g0 + g1) + g2), in place in the buffer of the first operand.
    The operands stand in use order, wherever the uses ran: the bits of the sum
    do not depend on the partition.

    Example:
    ```mlir
    %g = pp.reduce_gradients @wte.weight(%g0, %g1) : tensor<256x64xf32>
    ```

    Of a parameter with pieces the gradients are pieces, or whole with their
    padding: sums of groups of micro-batches.
  }];
  let arguments = (ins FlatSymbolRefAttr:$parameter,
      Variadic<PP_FloatTensor>:$gradients);
  let results = (outs PP_FloatTensor:$result);
  let assemblyFormat =
      "$parameter `(` $gradients `)` attr-dict `:` type($result)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Of how many pieces of its parameter each of the gradients is.
    int64_t getPieces(ParameterOp parameter);
  }];
}

def PP_CopyGradientOp : PP_ParameterUse<"copy_gradient", ["declareBuffers", "lowerToCalls", "inferDistributions"],
    [MemoryEffects<[MemRead<PP_GradientResource>,
                    MemWrite<PP_GradientResource>]>,
     AllTypesMatch<["gradient", "result"]>]> {
  let summary = "a copy of a gradient, which is added to no more";
  let description = [{
    What an accumulator holds of one group of micro-batches, before it is cleared
    for the next group. The padding behind the last piece is copied as well.

    Example:
    ```mlir
    %g = pp.load_gradient @wte.weight use(0) : tensor<256x64xf32>
    %first = pp.copy_gradient @wte.weight, %g : tensor<256x64xf32>
    pp.zero_gradient @wte.weight use(0)
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$parameter, PP_FloatTensor:$gradient);
  let results = (outs PP_FloatTensor:$result);
  let assemblyFormat =
      "$parameter `,` $gradient attr-dict `:` type($result)";
}

def PP_GradNormOp : PP_ParameterUse<"grad_norm", ["declareBuffers", "getTracedAction", "lowerToCalls", "inferDistributions"],
    [PP_ChannelEffects]> {
  let summary = "contributes the squared norm of a gradient";
  let description = [{
    Local; `pp.all_reduce_report` sums over all parameters in their order.

    Example:
    ```mlir
    pp.grad_norm @wte.weight, %g : tensor<256x64xf32>
    ```

    Where replicas share the work, it is that of the replica's piece.

    Constraints:
    1. The gradient has the type of a replica's piece of it.
  }];
  let arguments = (ins FlatSymbolRefAttr:$parameter, PP_FloatTensor:$gradient);
  let assemblyFormat =
      "$parameter `,` $gradient attr-dict `:` type($gradient)";
}

def PP_UpdateOp : PP_ParameterUse<"update", ["declareBuffers", "getTracedAction", "lowerToCalls", "inferDistributions"],
    [MemoryEffects<[MemRead<PP_ChannelResource>, MemRead<PP_ParameterResource>,
                    MemWrite<PP_ParameterResource>,
                    MemRead<PP_GradientResource>,
                    MemWrite<PP_GradientResource>]>]> {
  let summary = "one step of the optimizer on a parameter, in place";
  let description = [{
    The gradient is the sum over uses and micro-batches; the update divides it
    by the number of micro-batches and clips it. The rank with the update owns
    the parameter and holds its states. Where the parameter is bf16, its f32
    master is updated and then rounded to it. Which of the module's optimizers
    does this is chosen when the program is started. Given a piece of the gradient,
    a replica updates its piece of the parameter alone.

    Constraints:
    1. The gradient is whole, or a replica's piece of a parameter that is cut.

    Example:
    ```mlir
    pp.update @wte.weight, %g : tensor<256x64xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$parameter, PP_FloatTensor:$gradient);
  let assemblyFormat =
      "$parameter `,` $gradient attr-dict `:` type($gradient)";
}

def PP_LoadParameterOp : PP_ParameterUse<"load_parameter", ["declareBuffers", "inferDistributions"],
    [MemoryEffects<[MemRead<PP_ParameterResource>,
                    MemWrite<PP_ParameterResource>]>]> {
  let summary = "a parameter's buffer as a value";
  let description = [{
    Not a copy: no update may follow while the value is in use.

    Example:
    ```mlir
    %w = pp.load_parameter @wte.weight : tensor<256x64xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$parameter);
  let results = (outs PP_FloatTensor:$result);
  let assemblyFormat = "$parameter attr-dict `:` type($result)";
}

def PP_LoadPieceOp : PP_ParameterUse<"load_piece", ["declareBuffers", "inferDistributions"],
    [MemoryEffects<[MemRead<PP_ParameterResource>,
                    MemWrite<PP_ParameterResource>]>]> {
  let summary = "the piece of a parameter that the rank updates, as a value";
  let description = [{
    Not a copy: where it lies in the parameter's buffer follows from the rank's
    coordinate on the axis "data".

    Constraints:
    1. The result has the type of a piece of the parameter, which has pieces.

    Example:
    ```mlir
    pp.mesh @mesh <["pipe" = 1, "data" = 2]> replicas("data")
    pp.parameter @wte : tensor<250x4xf32> piece(512) cut init(#nn.zeros)
    pp.program @pipe0 pipe(0) {
      %p = pp.load_piece @wte : tensor<512xf32>
      %b, %t = pp.start all_gather %p over ["data"] value("wte") : tensor<512xf32> -> tensor<250x4xf32>
      %w = pp.finish %t, %p, %b : tensor<512xf32> -> tensor<250x4xf32>
      pp.store_parameter @wte, %w : tensor<250x4xf32>
      pp.return
    }
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$parameter);
  let results = (outs PP_FloatTensor:$result);
  let assemblyFormat = "$parameter attr-dict `:` type($result)";
}

def PP_StorePieceOp : PP_ParameterUse<"store_piece", ["declareBuffers", "lowerToCalls", "inferDistributions"],
    [MemoryEffects<[MemWrite<PP_ParameterResource>]>]> {
  let summary = "replaces the rank's piece of a parameter by a received value";
  let description = [{
    Where it lies in the parameter's buffer follows from the rank's coordinate on
    the axis "data".

    Constraints:
    1. The value has the type of a piece of the parameter, which has pieces.

    Example:
    ```mlir
    pp.mesh @mesh <["pipe" = 1, "data" = 2]> replicas("data")
    pp.parameter @wte : tensor<250x4xf32> piece(512) cut init(#nn.zeros)
    pp.program @pipe0 pipe(0) {
      %p = pp.load_piece @wte : tensor<512xf32>
      pp.store_piece @wte, %p : tensor<512xf32>
      pp.return
    }
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$parameter, PP_FloatTensor:$value);
  let assemblyFormat = "$parameter `,` $value attr-dict `:` type($value)";
}

def PP_StoreParameterOp : PP_ParameterUse<"store_parameter", ["declareBuffers", "lowerToCalls", "inferDistributions"],
    [MemoryEffects<[MemWrite<PP_ParameterResource>]>]> {
  let summary = "replaces a parameter by a received value";
  let description = [{
    Example:
    ```mlir
    pp.store_parameter @wte.weight, %new : tensor<256x64xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$parameter, PP_FloatTensor:$value);
  let assemblyFormat = "$parameter `,` $value attr-dict `:` type($value)";
}

#endif // PP_DIALECT_PP_IR_PPRANKOPS_TD
