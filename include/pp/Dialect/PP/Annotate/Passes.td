//===- Passes.td - Facts for the program's description ---------*- tablegen -*-===//
//
// What the description of a program says about its layers must be found before
// the layers become native code.
//
//===----------------------------------------------------------------------===//

#ifndef PP_DIALECT_PP_ANNOTATE_PASSES_TD
#define PP_DIALECT_PP_ANNOTATE_PASSES_TD

include "mlir/Pass/PassBase.td"

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

    Example: an input that an embedding of 256 rows reads becomes
    ```mlir
    pp.input @tokens : tensor<4x128xi32> {pp.bound = 256 : i64}
    ```
    and the embedding `nn.embedding %t, %w {nn.ids_in_range}`.
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

    Example:
    ```mlir
    pp.schedule "1f1b" microbatches(2) placement [0, 1] rows ["0F0,0F1,0B0,0B1", "1F0,1B0,1F1,1B1"] {pp.times = {forward = array<f64: 1.0, 1.0>, input_gradient = array<f64: 0.0, 1.0>, transfer = array<f64: 0.1>, weight_gradient = array<f64: 2.0, 1.0>}}
    pp.program @pipe0 pipe(0) attributes {pp.predicted = {bubble = 0.25 : f64, busy = 3.0 : f64, makespan = 4.0 : f64}} {
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
  ];
}

#endif // PP_DIALECT_PP_ANNOTATE_PASSES_TD
