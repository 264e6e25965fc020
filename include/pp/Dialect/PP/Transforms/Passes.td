//===- Passes.td - Passes of the pp dialect --------------------*- tablegen -*-===//

#ifndef PP_DIALECT_PP_TRANSFORMS_PASSES_TD
#define PP_DIALECT_PP_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// Model to plan
//===----------------------------------------------------------------------===//

def PPPartition : Pass<"pp-partition", "::mlir::ModuleOp"> {
  let summary = "assigns each apply of the model to a stage";
  let description = [{
    Cuts the applies, in the order of the model, into `stages` runs and writes
    `stage` on each. The slowest stage is as fast as any cut allows (exact
    dynamic programming); among the cuts which reach that, the one with the
    fewest bytes across its cuts is taken, and among these the most even.

    The cost of an apply is that of its layer by `CostOpInterface` and the
    machine's rates: forward once, backward twice as much, and the forward
    again where the layer is recomputed. Embedding and loss are layers like
    others.

    An apply that has a `stage` keeps it. With `memory`, no stage may need more
    bytes for parameters (value, gradient of each use, two optimizer states)
    and for the values kept for the micro-batches in flight on it: the distance
    to the last stage under 1f1b, all of them under gpipe.

    Example, two stages over three layers of which the last two are cheap:

    ```mlir
    %a = pp.apply @big(%x) : (tensor<64x64xf32>) -> tensor<64x64xf32>
    %b = pp.apply @small(%a) : (tensor<64x64xf32>) -> tensor<64x64xf32>
    %c = pp.apply @loss(%b) : (tensor<64x64xf32>) -> tensor<f32>
    ```

    becomes

    ```mlir
    %a = pp.apply @big(%x) {stage = 0 : i64} : ...
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
      "schedule of the step, for the memory bound">,
    Option<"flops", "flops", "double", "1e11",
      "floating-point operations a second of one rank">,
    Option<"bandwidth", "bandwidth", "double", "2e10",
      "bytes a second between one rank and its memory">
  ];
}

#endif // PP_DIALECT_PP_TRANSFORMS_PASSES_TD
