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

def PPDifferentiate : Pass<"pp-differentiate", "::mlir::ModuleOp"> {
  let summary = "makes forward and backward functions of layers and stages";
  let description = [{
    From the model level to the plan level. Each distinct layer becomes a
    forward function that also returns its residuals, and a backward function
    from residuals and cotangents to cotangents and updated gradient
    accumulators. Each stage becomes a forward and a backward function that only
    call those. The model is replaced by `pp.input`, `pp.parameter` and
    `pp.stage` ops; its name becomes that of the module.

    The cotangent of the loss is one. Cotangents of a value with several uses
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
    ```

    becomes

    ```mlir
    func.func private @scale.forward(%x: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<4xf32> {
      %y = arith.mulf %x, %w : tensor<4xf32>
      return %y : tensor<4xf32>
    }
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

    and a stage that applies it calls both.
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

    Example: `@scale.backward` (see pp-differentiate) becomes

    ```mlir
    func.func private @scale.backward_input(%w: tensor<4xf32>, %dy: tensor<4xf32>)
        -> (tensor<4xf32> {pp.grad = "input"})
    func.func private @scale.backward_weight(%x: tensor<4xf32>, %dy: tensor<4xf32>, %acc: tensor<4xf32>)
        -> (tensor<4xf32> {pp.accumulates = 2 : i64, pp.grad = "param"})
    ```
  }];
  let options = [
    Option<"stages", "stages", "bool", "true",
           "split the backward functions of stages too">
  ];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

#endif // PP_DIALECT_PP_TRANSFORMS_PASSES_TD
