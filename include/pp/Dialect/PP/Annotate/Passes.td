//===- Passes.td - Facts for the program's description ---------*- tablegen -*-===//
//
// What the description of a program says about its layers must be found before
// the layers become native code.
//
//===----------------------------------------------------------------------===//

#ifndef PP_DIALECT_PP_ANNOTATE_PASSES_TD
#define PP_DIALECT_PP_ANNOTATE_PASSES_TD

include "mlir/Pass/PassBase.td"

def PPRecordOptions : Pass<"pp-record-options", "::mlir::ModuleOp"> {
  let summary = "keeps what a plan is made with";
  let description = [{
    Writes on the module the digest of the model's text (`pp.fingerprint`), which
    programs report, with one of what the model computes whatever its batch
    (`pp.model_hash`), by which checkpoints know their model, and, where budgets of memory were decided for a plan, which
    ones (`pp.decision`): with them as options the pipelines make the same plan
    without a search for them.

    Example, with `schedule=search search-memory=900 partition-memory=1000 search-as=1f1b`:

    ```mlir
    module @m {
    }
    ```

    becomes

    ```mlir
    module @m attributes {pp.decision = #pp.decision<schedule = "search", partition_memory = 1000, search_memory = 900, search_as = "1f1b">} {
    }
    ```
  }];
  let options = [
    Option<"fingerprint", "fingerprint", "std::string", "\"\"",
      "digest of the model's text; none if empty">,
    Option<"schedule", "schedule", "std::string", "\"1f1b\"",
      "the schedule that was decided on">,
    Option<"partitionMemory", "partition-memory", "uint64_t", "0",
      "bytes that the partition counts on; 0: nothing was decided">,
    Option<"searchMemory", "search-memory", "uint64_t", "0",
      "bytes that a search counts on; 0: nothing was decided">,
    Option<"searchAs", "search-as", "std::string", "\"\"", "see pp-partition">
  ];
  let dependentDialects = ["::pp::PPDialect"];
}

def PPAnnotateInputs : Pass<"pp-annotate-inputs", "::mlir::ModuleOp"> {
  let summary = "finds which token ids a model can take";
  let description = [{
    Follows the ids of embeddings, cross entropies and their adjoints back through
    layers and stage functions. Where all of them are elements of a `pp.input`,
    unchanged, they must be below the number of rows or classes: the smallest such
    number becomes `pp.bound` of the input, and the program checks its data against
    it. An id from there on that a cross entropy ignores may occur: `pp.ignored`.
    These ops get `nn.ids_in_range`; others, which may have computed ids, lose it, and
    check their ids themselves.

    Example:

    ```mlir
    pp.input @tokens : tensor<4x128xi32>
    func.func private @embed(%t: tensor<4x128xi32>, %w: tensor<256x64xf32>) -> tensor<4x128x64xf32> {
      %x = nn.embedding %t, %w : (tensor<4x128xi32>, tensor<256x64xf32>) -> tensor<4x128x64xf32>
      return %x : tensor<4x128x64xf32>
    }
    func.func private @stage0.forward(%t: tensor<4x128xi32> {pp.data = "tokens"}, %w: tensor<256x64xf32> {pp.param = "w"}) -> (tensor<4x128x64xf32> {pp.value = "x"}) {
      %x = func.call @embed(%t, %w) : (tensor<4x128xi32>, tensor<256x64xf32>) -> tensor<4x128x64xf32>
      return %x : tensor<4x128x64xf32>
    }
    ```

    becomes

    ```mlir
    pp.input @tokens : tensor<4x128xi32> {pp.bound = 256 : i64}
    func.func private @embed(%t: tensor<4x128xi32>, %w: tensor<256x64xf32>) -> tensor<4x128x64xf32> {
      %x = nn.embedding %t, %w {nn.ids_in_range} : (tensor<4x128xi32>, tensor<256x64xf32>) -> tensor<4x128x64xf32>
    ```
  }];
}

def PPAnnotateTimes : Pass<"pp-annotate-times", "::mlir::ModuleOp"> {
  let summary = "predicts how long each rank computes and waits";
  let description = [{
    Simulates the module's `pp.schedule` with the costs of the stage functions
    (CostOpInterface and the machine's rates) and the time of the transfers
    between stages. Each `pp.program` gets `pp.predicted`: `makespan` and `busy`
    in seconds and `bubble`, the idle share of the makespan. The `pp.schedule`
    gets `pp.times`, what it was simulated with: seconds of the forward and of
    the two halves of the backward of each stage, and of the transfer from each
    stage to the next. With a `profile` (docs/Runtime.md) the times are those
    measured, the end of the step included.

    Where the mesh has replicas of the pipeline, their collectives take the time
    of a ring over links as those between stages: `pp.times` has the seconds of
    each stage's `parameter_gather` and `gradient_reduction`, and
    `gradient_gather` where each replica updates all; `pp.predicted` has those of
    a rank's `collectives`, what of the gathers of `parameters` and of the
    reductions of `gradients` it waits for alone, and `exposed`, by which they
    lengthen the step.

    The time of a stage has that of its layers' collectives: what a rank sends in
    one over `transfer`, or what it reads, adds and writes meanwhile, if that
    takes longer. `pp.times` has these seconds of each stage beside the whole, as
    `forward_collectives` and so on. `pp.layer_collectives` of a program says for each of its layers
    how many there are in forward and backward of a micro-batch, over which axes
    and groups of how many ranks, the bytes that a rank sends and the seconds.

    Example, with `flops=1e3 bandwidth=1e30`: a rank computes 1000 operations forward,
    2000 backward, for each of two micro-batches.

    ```mlir
    func.func private @forward(%x: tensor<1000xf32>) -> tensor<1000xf32> {
      %y = arith.negf %x : tensor<1000xf32>
      return %y : tensor<1000xf32>
    }
    func.func private @backward(%x: tensor<1000xf32>) -> tensor<1000xf32> {
      %y = arith.negf %x : tensor<1000xf32>
      %z = arith.addf %y, %y : tensor<1000xf32>
      return %z : tensor<1000xf32>
    }
    func.func private @stage0.forward(%w: tensor<1000xf32> {pp.param = "w"}) -> (tensor<1000xf32> {pp.value = "y"}) {
      %y = func.call @forward(%w) : (tensor<1000xf32>) -> tensor<1000xf32>
      return %y : tensor<1000xf32>
    }
    func.func private @stage0.backward(%y: tensor<1000xf32> {pp.value = "y"}) -> (tensor<1000xf32> {pp.value = "dw"}) {
      %d = func.call @backward(%y) : (tensor<1000xf32>) -> tensor<1000xf32>
      return %d : tensor<1000xf32>
    }
    pp.parameter @w : tensor<1000xf32> init(#nn.zeros)
    pp.stage 0 forward(@stage0.forward) backward(@stage0.backward)
    pp.schedule "1f1b" microbatches(2) placement [0] rows ["0F0,0B0,0F1,0B1"]
    pp.program @pipe0 pipe(0) {
      pp.return
    }
    ```

    becomes

    ```mlir
    pp.program @pipe0 pipe(0) attributes {pp.predicted = {bubble = 0.000000e+00 : f64, busy = 6.000000e+00 : f64, makespan = 6.000000e+00 : f64}} {
    ```
  }];
  let options = [
    Option<"profile", "profile", "std::string", "\"\"",
      "measured times of the layers, from --profile-out of a program">,
    Option<"flops", "flops", "double", "1e11",
      "floating-point operations a second of one rank">,
    Option<"bandwidth", "bandwidth", "double", "2e10",
      "bytes a second between one rank and its memory">,
    Option<"transfer", "transfer", "double", "5e9",
      "bytes a second from rank to rank">,
    Option<"latency", "latency", "double", "0",
      "seconds of a message from rank to rank beside its bytes">,
  ];
}

#endif // PP_DIALECT_PP_ANNOTATE_PASSES_TD
