//===- Passes.td - Passes of the pp dialect --------------------*- tablegen -*-===//

#ifndef PP_DIALECT_PP_TRANSFORMS_PASSES_TD
#define PP_DIALECT_PP_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// Model to plan
//===----------------------------------------------------------------------===//

def PPWeighLoss : Pass<"pp-weigh-loss", "::mlir::ModuleOp"> {
  let summary = "weighs micro-batches by the targets that their losses count";
  let description = [{
    `nn.cross_entropy` is a mean over the targets that it does not ignore, and a
    micro-batch may have few of them or many. So that the loss of a step is one
    mean over all targets that count in it, the model gets a second result, the
    weight of the micro-batch (see `pp.model`): the part of the targets of its
    cross entropies that count. It is exactly 1 where none is ignored.

    A model gets it if some cross entropy may ignore a target: if `ignore_index`
    is 0 or more, as ids in data are, if its targets are not elements of the
    data, unchanged, or if the model has `documents`, at whose ends targets are
    ignored. One that has a second result keeps that. Targets that a mesh
    has in parts are summed over its coordinates.

    Example:

    ```mlir
    pp.layer @head(%x: tensor<4x8xf32>, %t: tensor<4xi32>) -> tensor<f32> {
      %loss, %lse = nn.cross_entropy %x, %t {ignore_index = 8 : i64} : (tensor<4x8xf32>, tensor<4xi32>) -> (tensor<f32>, tensor<4xf32>)
      pp.yield %loss : tensor<f32>
    }
    pp.model @m(%x: tensor<4x8xf32> {pp.data = "x"}, %t: tensor<4xi32> {pp.data = "targets"}) -> tensor<f32> {
      %loss = pp.apply @head(%x, %t) : (tensor<4x8xf32>, tensor<4xi32>) -> tensor<f32>
      pp.return %loss : tensor<f32>
    }
    ```

    becomes

    ```mlir
    pp.layer @head(%x: tensor<4x8xf32>, %t: tensor<4xi32>) -> (tensor<f32>, tensor<f32>) {
      %loss, %lse = nn.cross_entropy %x, %t {ignore_index = 8 : i64} : (tensor<4x8xf32>, tensor<4xi32>) -> (tensor<f32>, tensor<4xf32>)
      %ignored = arith.constant dense<8> : tensor<4xi32>
      %counts = arith.cmpi ne, %t, %ignored : tensor<4xi32>
      %ones = arith.uitofp %counts : tensor<4xi1> to tensor<4xf32>
      %count = nn.reduce_sum %ones axes = [0] : (tensor<4xf32>) -> tensor<f32>
      %all = arith.constant dense<4.000000e+00> : tensor<f32>
      %weight = arith.divf %count, %all : tensor<f32>
      pp.yield %loss, %weight : tensor<f32>, tensor<f32>
    }
    pp.model @m(%x: tensor<4x8xf32> {pp.data = "x"}, %t: tensor<4xi32> {pp.data = "targets"}) -> (tensor<f32>, tensor<f32>) {
      %r:2 = pp.apply @head(%x, %t) : (tensor<4x8xf32>, tensor<4xi32>) -> (tensor<f32>, tensor<f32>)
      pp.return %r#0, %r#1 : tensor<f32>, tensor<f32>
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::pp::comm::CommDialect",
    "::pp::nn::NNDialect"
  ];
}

def PPLowerPrecision : Pass<"pp-lower-precision", "::mlir::ModuleOp"> {
  let summary = "makes a model of f32 compute in bf16";
  let description = [{
    Mixed precision: parameters, what layers take and return, and the values
    inside become bf16. The optimizer keeps f32 masters of such parameters, and
    their gradients are f32 (see `pp.param`). What stays f32:

    - scalars that enter or leave a layer, the loss among them, and parameters
      that are scalars;
    - statistics, such as the log-sum-exp of `nn.attention` and
      `nn.cross_entropy`;
    - results of `nn.reduce_sum` and `nn.reduce_mean`, which take their input in
      f32;
    - what is computed from such values, constants and conversions of other types
      alone. Where they meet bf16, they are rounded to it.

    Ops on bf16 compute in f32 inside: products sum in f32, norms, softmax and
    losses take their statistics in f32. What the model says in f64, bf16 or
    integers stays as it is.

    Example:

    ```mlir
    pp.layer @scale(%x: tensor<4x8xf32>) params(%w: tensor<8xf32>) -> tensor<f32> {
      %y = nn.mul %x, %w : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
      %m = nn.reduce_mean %y axes = [0, 1] : (tensor<4x8xf32>) -> tensor<f32>
      pp.yield %m : tensor<f32>
    }
    ```

    becomes

    ```mlir
    pp.layer @scale(%x: tensor<4x8xbf16>) params(%w: tensor<8xbf16>) -> tensor<f32> {
      %y = nn.mul %x, %w : (tensor<4x8xbf16>, tensor<8xbf16>) -> tensor<4x8xbf16>
      %z = nn.cast %y : (tensor<4x8xbf16>) -> tensor<4x8xf32>
      %m = nn.reduce_mean %z axes = [0, 1] : (tensor<4x8xf32>) -> tensor<f32>
      pp.yield %m : tensor<f32>
    }
    ```
  }];
  let options = [
    Option<"type", "type", "std::string", "\"bf16\"",
      "what to compute in: bf16, or f32, which changes nothing">
  ];
  let dependentDialects = ["::pp::nn::NNDialect"];
}

include "pp/Dialect/PP/Transforms/ShardingPasses.td"

def PPPartition : Pass<"pp-partition", "::mlir::ModuleOp"> {
  let summary = "assigns each apply of the model to a stage";
  let description = [{
    Cuts the applies, in the order of the model, into `stages` runs and writes
    `stage` on each. The slowest stage is as fast as any cut allows (exact
    dynamic programming); among the cuts which reach that, the one with the
    fewest bytes across its cuts is taken, and among these the most even.

    The cost of an apply is that of its layer by `CostOpInterface` and the
    machine's rates: forward once, backward twice as much, and the forward
    again where the layer is recomputed. Collectives of layers count once in the
    backward, for the adjoint of a collective is one that sends as much, and once
    more where one is made `again`.
    Embedding and loss are layers like others. With a `profile` (docs/Runtime.md)
    the cost of an apply is what was measured, as a mean over the applies of the
    same layer.

    An apply that has a `stage` keeps it. With `memory`, no stage may need more
    bytes for parameters (value, gradient of each use, states of all optimizers, a
    master of bf16) and for the values kept for the micro-batches in flight on it: the distance
    to the last stage under 1f1b, all of them under gpipe.

    Example, with `stages=2`: of three layers the last two are cheap.

    ```mlir
    pp.layer @big(%x: tensor<64x64xf32>) params(%w: tensor<64x64xf32>) -> tensor<64x64xf32> {
      %y = nn.linear %x, %w : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
      pp.yield %y : tensor<64x64xf32>
    }
    pp.layer @small(%x: tensor<64x64xf32>) -> tensor<64x64xf32> {
      %y = nn.relu %x : (tensor<64x64xf32>) -> tensor<64x64xf32>
      pp.yield %y : tensor<64x64xf32>
    }
    pp.layer @loss(%x: tensor<64x64xf32>) -> tensor<f32> {
      %y = nn.reduce_mean %x axes = [0, 1] : (tensor<64x64xf32>) -> tensor<f32>
      pp.yield %y : tensor<f32>
    }
    pp.model @m(%x: tensor<64x64xf32> {pp.data = "x"}) -> tensor<f32> {
      %w = pp.param "w" : tensor<64x64xf32> init(#nn.zeros)
      %a = pp.apply @big(%x) params(%w) : (tensor<64x64xf32>) params(tensor<64x64xf32>) -> tensor<64x64xf32>
      %b = pp.apply @small(%a) : (tensor<64x64xf32>) -> tensor<64x64xf32>
      %c = pp.apply @loss(%b) : (tensor<64x64xf32>) -> tensor<f32>
      pp.return %c : tensor<f32>
    }
    ```

    becomes

    ```mlir
    pp.model @m(%x: tensor<64x64xf32> {pp.data = "x"}) -> tensor<f32> {
      ...
      %a = pp.apply @big(%x) params(%w) {stage = 0 : i64} : ...
      %b = pp.apply @small(%a) {stage = 1 : i64} : ...
      %c = pp.apply @loss(%b) {stage = 1 : i64} : ...
    ```
  }];
  let options = [
    Option<"stages", "stages", "int64_t", "1", "number of stages">,
    Option<"recompute", "recompute", "std::string", "\"\"",
      "recompute policy of applies and layers without their own: none or full">,
    Option<"memory", "memory", "uint64_t", "0",
      "bytes that a stage may need, 0 for no bound">,
    Option<"microbatches", "microbatches", "int64_t", "1",
      "micro-batches of a step, for the memory bound">,
    Option<"schedule", "schedule", "std::string", "\"1f1b\"",
      "schedule of the step, for the memory bound: a name or a CSV file">,
    Option<"replicas", "replicas", "int64_t", "1",
      "replicas of the pipeline over which optimizer states are cut, for the "
      "memory of ranks">,
    Option<"searchAs", "search-as", "std::string", "\"\"",
      "with schedule=search: the named schedule that holds as many micro-batches; one if empty">,
    Option<"virtualStages", "virtual", "int64_t", "0",
      "stages a rank; 0: as the schedule has">,
    Option<"profile", "profile", "std::string", "\"\"",
      "measured times of the layers, from --profile-out of a program">,
    Option<"flops", "flops", "double", "1e11",
      "floating-point operations a second of one rank">,
    Option<"bandwidth", "bandwidth", "double", "2e10",
      "bytes a second between one rank and its memory">,
    Option<"transfer", "transfer", "double", "5e9",
      "bytes a second from rank to rank">,
    Option<"latency", "latency", "double", "0",
      "seconds of a message from rank to rank beside its bytes">
  ];
}

def PPDifferentiate : Pass<"pp-differentiate", "::mlir::ModuleOp"> {
  let summary = "makes forward and backward functions of layers and stages";
  let description = [{
    From the model level to the plan level. Each distinct layer becomes a
    forward function that also returns its residuals, and a backward function
    from residuals and cotangents to cotangents and updated gradient
    accumulators. Each stage becomes a forward and a backward function that only
    call those. The model is replaced by `pp.input`, `pp.parameter` and
    `pp.stage` ops; its name becomes that of the module.

    The cotangent of the loss is one, or its weight, where the model has one,
    which has no cotangent. Cotangents of a value with several uses
    are added from the last use to the first, whichever stages they are in: a
    stage receives the sum of later stages, adds what its own applies
    contribute, and passes the sum on to the previous stage that uses the value
    or to the stage that defines it. So the bits of the sum do not depend on
    where the model is cut.

    A layer with `recompute = "full"`, or every layer with `recompute=full`,
    keeps only its inputs: the backward of the stage calls its forward again.

    Every `pp.apply` must carry its stage, not lower than that of the apply
    before it.

    Example:

    ```mlir
    pp.layer @scale(%x: tensor<4xf32>) params(%w: tensor<4xf32>) -> tensor<4xf32> {
      %y = arith.mulf %x, %w : tensor<4xf32>
      pp.yield %y : tensor<4xf32>
    }
    pp.layer @loss(%x: tensor<4xf32>) -> tensor<f32> {
      %y = nn.reduce_mean %x axes = [0] : (tensor<4xf32>) -> tensor<f32>
      pp.yield %y : tensor<f32>
    }
    pp.model @m(%x: tensor<4xf32> {pp.data = "x"}) -> tensor<f32> {
      %w = pp.param "w" : tensor<4xf32> init(#nn.ones)
      %v = pp.param "v" : tensor<4xf32> init(#nn.ones)
      %a = pp.apply @scale(%x) params(%w) {stage = 0} : (tensor<4xf32>) params(tensor<4xf32>) -> tensor<4xf32>
      %b = pp.apply @scale(%a) params(%v) {stage = 0} : (tensor<4xf32>) params(tensor<4xf32>) -> tensor<4xf32>
      %c = pp.apply @loss(%b) {stage = 0} : (tensor<4xf32>) -> tensor<f32>
      pp.return %c : tensor<f32>
    }
    ```

    becomes

    ```mlir
    func.func private @scale.forward(%x: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<4xf32> attributes {pp.layer_function} {
      %y = arith.mulf %x, %w : tensor<4xf32>
      return %y : tensor<4xf32>
    }
    func.func private @scale.backward(%x: tensor<4xf32>, %w: tensor<4xf32>, %dy: tensor<4xf32>, %acc: tensor<4xf32>)
        -> (tensor<4xf32> {pp.grad = "input"}, tensor<4xf32> {pp.accumulates = 3 : i64, pp.grad = "param"})
        attributes {pp.layer_function} {
      %dx = arith.mulf %dy, %w : tensor<4xf32>
      %dw = arith.mulf %dy, %x : tensor<4xf32>
      %sum = arith.addf %acc, %dw : tensor<4xf32>
      return %dx, %sum : tensor<4xf32>, tensor<4xf32>
    }
    ...
    func.func private @stage0.backward(...) -> (...) {
      %one = call @one() : () -> tensor<f32>
      %db = call @loss.backward(%one) {pp.part = "2B"} : (tensor<f32>) -> tensor<4xf32>
      %da:2 = call @scale.backward(%a, %v, %db, %acc) {pp.part = "1B"} : ...
    ```
  }];
  let options = [
    Option<"recompute", "recompute", "std::string", "\"\"",
           "none or full: for layers that do not say themselves">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::math::MathDialect", "::pp::nn::NNDialect"
  ];
}

def PPSplitBackward : Pass<"pp-split-backward", "::mlir::ModuleOp"> {
  let summary = "slices backward functions into input and weight gradients";
  let description = [{
    Each function whose results carry `pp.grad` is replaced by two:
    `backward_input` computes the results with `pp.grad = "input"` and the
    values that both halves need, `backward_weight` the results with
    `pp.grad = "param"` from those. Calls become two calls. The halves follow
    from use-def chains alone.

    Layer functions are always split, so that a full backward runs the same
    code as its halves one after the other and gives the same bits. With
    `stages`, stage functions are split as well, for schedules that separate
    the two; the full backward of the stage stays beside them.

    Example:

    ```mlir
    func.func private @scale.backward(%x: tensor<4xf32>, %w: tensor<4xf32>,
                                      %dy: tensor<4xf32>, %acc: tensor<4xf32>)
        -> (tensor<4xf32> {pp.grad = "input"},
            tensor<4xf32> {pp.accumulates = 3 : i64, pp.grad = "param"}) {
      %dw = arith.mulf %dy, %x : tensor<4xf32>
      %dx = arith.mulf %dy, %w : tensor<4xf32>
      %sum = arith.addf %acc, %dw : tensor<4xf32>
      return %dx, %sum : tensor<4xf32>, tensor<4xf32>
    }
    ```

    becomes

    ```mlir
    func.func private @scale.backward_input(%w: tensor<4xf32>, %dy: tensor<4xf32>) -> tensor<4xf32> {
      %dx = arith.mulf %dy, %w : tensor<4xf32>
      return %dx : tensor<4xf32>
    }
    func.func private @scale.backward_weight(%x: tensor<4xf32>, %dy: tensor<4xf32>, %acc: tensor<4xf32>)
        -> (tensor<4xf32> {pp.accumulates = 2 : i64}) {
      %dw = arith.mulf %dy, %x : tensor<4xf32>
      %sum = arith.addf %acc, %dw : tensor<4xf32>
      return %sum : tensor<4xf32>
    }
    ```
  }];
  let options = [
    Option<"stages", "stages", "bool", "true",
           "split the backward functions of stages too">
  ];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

//===----------------------------------------------------------------------===//
// Plan
//===----------------------------------------------------------------------===//

def PPSchedule : Pass<"pp-schedule", "::mlir::ModuleOp"> {
  let summary = "attaches a schedule to the plan";
  let description = [{
    Adds a `pp.schedule` for the stages of the module and replaces one that is
    there. A name (docs/Schedules.md) says which one is generated; schedules with
    several stages a rank take `virtual` of them. `split` makes I and W out of
    each B. Any other `schedule` is a file in PyTorch's CSV format, placement
    included; then `microbatches=0` takes what the file has.

    `search` is the fastest schedule that is found for these stages: for the
    times of their functions (from a `profile`, else estimated), the transfers
    between them, and what a rank may hold (`memory`): parameters, gradients,
    optimizer states and the values kept for micro-batches in flight. The same
    stages and options give the same schedule.

    Example, with `schedule=gpipe microbatches=2`:

    ```mlir
    func.func private @f0() -> (tensor<8xf32> {pp.value = "x"})
    func.func private @b0(tensor<8xf32> {pp.value = "dx"})
    func.func private @f1(tensor<8xf32> {pp.value = "x"}) -> (tensor<f32> {pp.value = "loss", pp.loss}, tensor<8xf32> {pp.value = "r"})
    func.func private @b1(tensor<8xf32> {pp.value = "r"}) -> (tensor<8xf32> {pp.value = "dx"})
    pp.stage 0 forward(@f0) backward(@b0)
    pp.stage 1 forward(@f1) backward(@b1)
    ```

    becomes the same with

    ```mlir
    pp.schedule "gpipe" microbatches(2) placement [0, 1] rows ["0F0,0F1,0B0,0B1", "1F0,1F1,1B0,1B1"]
    ```
  }];
  let options = [
    Option<"schedule", "schedule", "std::string", "\"1f1b\"",
      "name of the schedule, search, or a CSV file">,
    Option<"virtualStages", "virtual", "int64_t", "0",
      "stages a rank; 0: as the schedule has, 2 where it takes any number, 1 for search">,
    Option<"microbatches", "microbatches", "int64_t", "1",
      "micro-batches of a step">,
    Option<"split", "split", "bool", "false",
      "input gradients (I) and weight gradients (W) as separate actions">,
    Option<"replicas", "replicas", "int64_t", "1",
      "replicas that the pipeline will have, for search">,
    Option<"zero", "zero", "bool", "true",
      "whether optimizer states will be cut over them, for search">,
    Option<"memory", "memory", "uint64_t", "0",
      "bytes that a rank may hold in a schedule that is searched, 0 for no bound">,
    Option<"profile", "profile", "std::string", "\"\"",
      "measured times of the layers, from --profile-out of a program, for search">,
    Option<"flops", "flops", "double", "1e11",
      "floating-point operations a second of one rank, for search">,
    Option<"bandwidth", "bandwidth", "double", "2e10",
      "bytes a second between one rank and its memory, for search">,
    Option<"transfer", "transfer", "double", "5e9",
      "bytes a second from rank to rank, for search">,
    Option<"latency", "latency", "double", "0",
      "seconds of a message from rank to rank beside its bytes, for search">
  ];
}

def PPAddMesh : Pass<"pp-add-mesh", "::mlir::ModuleOp"> {
  let summary = "adds the mesh that a plan is for";
  let description = [{
    Adds a `pp.mesh` with the axes pipe, data and tensor: as many coordinates on
    `pipe` as the schedule has rows, and `replicas` on `data`, which are replicas
    of the whole pipeline, each with its own micro-batches. A model whose layers
    are sharded has a mesh of its own: where that has one coordinate on `pipe` or
    `data`, it gets these sizes, else it has to be of them; other axes stay.

    `groups` is into how many groups the micro-batches of a step fall whose sums
    are added in one binary tree: the replicas times a power of two. Programs of
    different meshes with the same groups compute the same bits. Of `per-process`
    ranks, neighbours on `tensor`, each process is one after the other.

    Example, with `replicas=2`:

    ```mlir
    func.func private @f0() -> (tensor<8xf32> {pp.value = "x"})
    func.func private @b0(tensor<8xf32> {pp.value = "dx"})
    func.func private @f1(tensor<8xf32> {pp.value = "x"}) -> (tensor<f32> {pp.value = "loss", pp.loss}, tensor<8xf32> {pp.value = "r"})
    func.func private @b1(tensor<8xf32> {pp.value = "r"}) -> (tensor<8xf32> {pp.value = "dx"})
    pp.stage 0 forward(@f0) backward(@b0)
    pp.stage 1 forward(@f1) backward(@b1)
    pp.schedule "gpipe" microbatches(2) placement [0, 1] rows ["0F0,0F1,0B0,0B1", "1F0,1F1,1B0,1B1"]
    ```

    becomes the same behind

    ```mlir
    pp.mesh @mesh <["pipe" = 2, "data" = 2, "tensor" = 1]> replicas("data")
    ```
  }];
  let options = [
    Option<"replicas", "replicas", "int64_t", "1",
      "coordinates on the axis data">,
    Option<"tensors", "tensors", "int64_t", "0",
      "coordinates that the model's own mesh has to have on the axis tensor; 0: "
      "as it says">,
    Option<"groups", "groups", "int64_t", "0",
      "groups of micro-batches whose sums are added in a tree; 0: one a replica">,
    Option<"perProcess", "per-process", "int64_t", "1",
      "neighbours on the axis tensor that are ranks of one process">,
    Option<"order", "order", "std::string", "\"pipe,data,tensor\"",
      "axes of the mesh, the slowest first: ranks that differ in the last one "
      "are neighbours">,
  ];
}

def PPAddOptimizer : Pass<"pp-add-optimizer", "::mlir::ModuleOp"> {
  let summary = "states of optimizers, and the functions of a step's end";
  let description = [{
    What a step does behind its last backward, as functions on tensors that
    become native code as layers do: sums of squares of gradients, sums of the
    gradients of several uses, what follows from losses and norms, and the
    updates of each optimizer. A function is made once for all parameters of as
    many elements, whatever their shape. The states that the optimizers keep
    become `pp.state`s; a parameter of bf16 has its master beside them, which an
    update changes, and then rounds to the parameter.

    Where the mesh has replicas, or the schedule several groups of micro-batches,
    parameters get `piece`s, and norms are sums over blocks of as many elements as
    a group has, in the order of the elements. With `zero=1` (ZeRO-1) states are
    of pieces, and each replica updates its own; with `zero=0` each has all.

    The program is started with one of the `optimizers`. Updates leave everything
    as it is where the step found something that is not finite.

    Functions have the attribute `pp.role`: the optimizer, or `sum_of_squares`,
    `add`, `conclude`. Arguments of updates are the parameter or its master, the
    gradient, the states in the order of `pp.optimizer`, and the numbers of the
    step (`runtime/include/pprt_scalars.h`).

    Example, with `optimizers=sgd`:

    ```mlir
    pp.parameter @w : tensor<64x64xf32> init(#nn.normal<std = 0.02>)
    pp.schedule "1f1b" microbatches(2) placement [0] rows ["0F0,0F1,0B0,0B1"]
    // becomes
    pp.optimizer "sgd" states []
    pp.schedule "1f1b" microbatches(2) placement [0] rows ["0F0,0F1,0B0,0B1"]
    func.func private @sum_of_squares.f32_4096(%g: tensor<4096xf32>) -> tensor<f64> attributes {pp.layer_function, pp.role = "sum_of_squares"} {
      %s = nn.sum_of_squares %g : tensor<4096xf32> -> tensor<f64>
      return %s : tensor<f64>
    }
    func.func private @sgd.f32_4096.decay(%p: tensor<4096xf32>, %g: tensor<4096xf32>, %scalars: tensor<9xf32>) -> (tensor<4096xf32> {pp.accumulates = 0 : i64}) attributes {pp.decays, pp.layer_function, pp.role = "sgd"} {
      %new = linalg.generic {...} ins(%g : tensor<4096xf32>) outs(%p : tensor<4096xf32>) {
    ```
  }];
  let options = [
    ListOption<"optimizers", "optimizers", "std::string",
      "optimizers that the program can be started with; default: all">,
    Option<"zero", "zero", "int64_t", "1",
      "1: states are cut over the replicas; 0: each replica has all">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect",
    "::pp::nn::NNDialect"
  ];
}

def PPVerifyPlan : Pass<"pp-verify-plan", "::mlir::ModuleOp"> {
  let summary = "proves the plan: every action once, in data-flow order";
  let description = [{
    Changes nothing; fails with located errors where

    1. a value has no producer, two, or one of another type;
    2. a use of a parameter accumulates in two stages, or whole and halves of a
       backward disagree;
    3. no function or several report the loss;
    4. F, and B or I and W, of a stage and micro-batch are not there exactly
       once on the rank of the stage, or gradients do not come in ascending
       micro-batch order, on which the bits of the result depend;
    5. an action waits for a value that is produced too late.

    Example: the backward of a stage reads what its forward only computes afterwards.

    ```mlir
    func.func private @f() -> (tensor<f32> {pp.value = "loss", pp.loss}, tensor<8xf32> {pp.value = "r"})
    func.func private @b(tensor<8xf32> {pp.value = "r"})
    pp.stage 0 forward(@f) backward(@b)
    pp.schedule "file" microbatches(1) placement [0] rows ["0B0,0F0"]
    ```

    The pass says

    ```
    error: deadlock: rank 0 at '0B0' waits for '0F0' of rank 0
    ```
  }];
}

//===----------------------------------------------------------------------===//
// Plan to ranks
//===----------------------------------------------------------------------===//

def PPProjectRanks : Pass<"pp-project-ranks", "::mlir::ModuleOp"> {
  let summary = "builds one program a rank from the plan";
  let description = [{
    Runs the actions of each rank in schedule order. Values of the same rank
    are SSA values; a value of another rank is received from its producer,
    once a rank, and sent by the producer to each reader directly. Losses are
    reported where they are computed. At the end of the step the gradients of
    all uses of a parameter are summed in use order by its owner (the rank with
    the first use), norms are all-reduced, and the updated parameter goes to the
    other ranks that read it.

    Both sides of a channel post its transfers in the order in which the sender
    produces.

    Where parameters have pieces, gradients are reduced over the replicas behind
    the last backward that adds to them, each replica getting the sum of its
    piece; sums over uses, norms and updates are those of pieces, and a step
    begins with gathering the updated parameters, each before the first action
    that reads it. Where replicas have all states, the gradients are gathered
    instead, and each updates all.

    A module without a `pp.mesh` gets one: as many coordinates on `pipe` as the
    schedule has ranks.

    With `loops`, what repeats eight times or more in the order of a rank, in
    warm-up, steady state or cool-down, stands as a loop: the size of programs,
    and the time of what works on them, does not grow with the micro-batches.

    With `evaluation`, each coordinate gets a second program, which computes
    losses alone: the forward actions of the schedule, in its order, by the
    same functions, on parameters that are gathered as a step gathers them.

    Example, after `--pp-schedule=microbatches=1`:

    ```mlir
    pp.parameter @w : tensor<8xf32> init(#nn.zeros)
    func.func private @f0() -> (tensor<8xf32> {pp.value = "x"})
    func.func private @b0(tensor<8xf32> {pp.value = "dx"})
    func.func private @f1(tensor<8xf32> {pp.value = "x"}, tensor<8xf32> {pp.param = "w"}) -> (tensor<f32> {pp.value = "loss", pp.loss}, tensor<8xf32> {pp.value = "r"})
    func.func private @b1(tensor<8xf32> {pp.value = "r"}, tensor<8xf32> {pp.grad = "w", pp.use = 0 : i64}) -> (tensor<8xf32> {pp.value = "dx"}, tensor<8xf32> {pp.accumulates = 1 : i64})
    pp.stage 0 forward(@f0) backward(@b0)
    pp.stage 1 forward(@f1) backward(@b1)
    ```

    gets, for the second of two ranks,

    ```mlir
    pp.program @pipe1 pipe(1) {
      pp.zero_gradient @w use(0)
      %b, %t = pp.irecv channel(@p0_to_p1) value("x") mb(0) tag(0) : tensor<8xf32>
      %x = pp.wait %t, %b : tensor<8xf32>
      %f:2 = pp.run F stage(1) mb(0) @f1(%x) : (tensor<8xf32>) -> (tensor<f32>, tensor<8xf32>)
      pp.loss %f#0 mb(0) : tensor<f32>
      %dx = pp.run B stage(1) mb(0) @b1(%f#1) : (tensor<8xf32>) -> tensor<8xf32>
      %s = pp.isend %dx channel(@p1_to_p0) value("dx") mb(0) tag(0) : tensor<8xf32>
      pp.wait_send %s, %dx : tensor<8xf32>
      %g = pp.load_gradient @w use(0) : tensor<8xf32>
      pp.grad_norm @w, %g : tensor<8xf32>
      pp.all_reduce_report
      pp.update @w, %g : tensor<8xf32>
      pp.return
    }
    ```
  }];
  let options = [
    Option<"loops", "loops", "bool", "false",
      "make loops of what repeats">,
    Option<"evaluation", "evaluation", "bool", "false",
      "make programs that evaluate, too">
  ];
  let statistics = [
    Statistic<"numLoops", "loops", "loops that were formed">
  ];
}

def PPPlaceCommunication : Pass<"pp-place-communication", "::mlir::ModuleOp"> {
  let summary = "posts receives early and waits late";
  let description = [{
    Receives of values are posted `lookahead` actions before the one that needs
    them, their waits sink to the first use, and the wait for a send rises to
    where its channel has sent `outstanding` more values. Then the programs are
    proven under `semantics`. Where they cannot be, each of these moves is made
    and proven alone, and undone if it is the reason. With every round of loops
    executed, steps move, not ops; a program with loops gets new ones.

    Example:

    ```mlir
    func.func private @f(tensor<8xf32> {pp.value = "x"}) -> (tensor<8xf32> {pp.value = "y"})
    pp.parameter @w : tensor<8xf32> init(#nn.zeros)
    pp.channel @p0_to_p1 from(0) to(1)
    pp.program @pipe0 pipe(0) {
      %w = pp.load_parameter @w : tensor<8xf32>
      %s0 = pp.isend %w channel(@p0_to_p1) value("x") mb(0) tag(0) : tensor<8xf32>
      %s1 = pp.isend %w channel(@p0_to_p1) value("x") mb(1) tag(1) : tensor<8xf32>
      pp.wait_send %s0, %w : tensor<8xf32>
      pp.wait_send %s1, %w : tensor<8xf32>
      pp.return
    }
    pp.program @pipe1 pipe(1) {
      %b0, %t0 = pp.irecv channel(@p0_to_p1) value("x") mb(0) tag(0) : tensor<8xf32>
      %x0 = pp.wait %t0, %b0 : tensor<8xf32>
      %y0 = pp.run F stage(1) mb(0) @f(%x0) : (tensor<8xf32>) -> tensor<8xf32>
      %b1, %t1 = pp.irecv channel(@p0_to_p1) value("x") mb(1) tag(1) : tensor<8xf32>
      %x1 = pp.wait %t1, %b1 : tensor<8xf32>
      %y1 = pp.run F stage(1) mb(1) @f(%x1) : (tensor<8xf32>) -> tensor<8xf32>
      pp.return
    }
    ```

    becomes

    ```mlir
    pp.program @pipe1 pipe(1) {
      %b0, %t0 = pp.irecv channel(@p0_to_p1) value("x") mb(0) tag(0) : tensor<8xf32>
      %b1, %t1 = pp.irecv channel(@p0_to_p1) value("x") mb(1) tag(1) : tensor<8xf32>
      %x0 = pp.wait %t0, %b0 : tensor<8xf32>
      %y0 = pp.run F stage(1) mb(0) @f(%x0) : (tensor<8xf32>) -> tensor<8xf32>
      %x1 = pp.wait %t1, %b1 : tensor<8xf32>
      %y1 = pp.run F stage(1) mb(1) @f(%x1) : (tensor<8xf32>) -> tensor<8xf32>
      pp.return
    }
    ```
  }];
  let options = [
    Option<"semantics", "semantics", "std::string", "\"rendezvous\"",
      "buffered, rendezvous or fifo-per-edge">,
    Option<"lookahead", "lookahead", "int64_t", "1",
      "actions between a receive and the action that needs it">,
    Option<"outstanding", "outstanding", "int64_t", "1",
      "sends of a channel in flight beside the newest">
  ];
  let statistics = [
    Statistic<"numMoves", "moves", "moves that were proven and kept">,
    Statistic<"numUndone", "undone", "moves that could not be proven">
  ];
}

def PPVerifyCommunication
    : Pass<"pp-verify-communication", "::mlir::ModuleOp"> {
  let summary = "proves all rank programs together free of deadlock";
  let description = [{
    Changes nothing. Executes the transfers of all programs symbolically under
    `semantics`:

    - `buffered`: a send ends at once; matched by tag.
    - `rendezvous`: a send ends when its receive is posted; matched by tag.
    - `fifo-per-edge`: transfers of a directed edge run in the order in which
      each side posts them, without tags.

    Fails where a transfer has no other side, the sides disagree on value,
    micro-batch, tag or type, a tag is used twice, or ranks wait for each
    other: then the whole cycle is printed with rank, transfer, micro-batch and
    location.

    Example: two ranks that both wait for their send before they post their receive
    end under `buffered`, and are reported under `rendezvous`.

    ```mlir
    pp.parameter @w : tensor<8xf32> init(#nn.zeros)
    pp.channel @p0_to_p1 from(0) to(1)
    pp.channel @p1_to_p0 from(1) to(0)
    pp.program @pipe0 pipe(0) {
      %x = pp.load_parameter @w : tensor<8xf32>
      %t = pp.isend %x channel(@p0_to_p1) value("x") mb(0) tag(0) : tensor<8xf32>
      pp.wait_send %t, %x : tensor<8xf32>
      %b, %u = pp.irecv channel(@p1_to_p0) value("y") mb(0) tag(0) : tensor<8xf32>
      %y = pp.wait %u, %b : tensor<8xf32>
      pp.return
    }
    pp.program @pipe1 pipe(1) {
      %y = pp.load_parameter @w : tensor<8xf32>
      %t = pp.isend %y channel(@p1_to_p0) value("y") mb(0) tag(0) : tensor<8xf32>
      pp.wait_send %t, %y : tensor<8xf32>
      %b, %u = pp.irecv channel(@p0_to_p1) value("x") mb(0) tag(0) : tensor<8xf32>
      %x = pp.wait %u, %b : tensor<8xf32>
      pp.return
    }
    ```

    The pass says

    ```
    error: deadlock under rendezvous semantics: pipe coordinates 0 -> 1 -> 0 wait for each other
    ```
  }];
  let options = [
    Option<"semantics", "semantics", "std::string", "\"rendezvous\"",
      "buffered, rendezvous or fifo-per-edge">
  ];
}

#endif // PP_DIALECT_PP_TRANSFORMS_PASSES_TD
