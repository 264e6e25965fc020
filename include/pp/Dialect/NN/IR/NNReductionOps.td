//===- NNReductionOps.td - Reductions and softmax --------------*- tablegen -*-===//

#ifndef PP_DIALECT_NN_IR_NNREDUCTIONOPS_TD
#define PP_DIALECT_NN_IR_NNREDUCTIONOPS_TD

include "pp/Dialect/NN/IR/NNBase.td"

class NN_ReductionOp<string mnemonic, list<Trait> traits = []>
    : NN_InferredDifferentiableOp<mnemonic, traits> {
  let arguments = (ins NN_FloatTensor:$input, DenseI64ArrayAttr:$axes,
                   UnitAttr:$keepdims);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = [{
    $input `axes` `=` $axes attr-dict `:` functional-type(operands, results)
  }];
  code constraints = [{
    With `keepdims` the dimensions that are reduced stay, with size 1.

    Constraints:

    - (C1) `axes` are dimensions of `input`, at least one, in ascending order,
      each once.
  }];
}

def NN_ReduceSumOp : NN_ReductionOp<"reduce_sum",
    [AccumulatingOpInterface, NN_SumsInFullPrecision]> {
  let summary = "sum over dimensions";
  let description = [{
    `result = init + sum of input over axes`. Without `init` the sum stands
    alone.
  }] # constraints # [{
    - (C2) `init` has the type of the result, whose elements are those of
      `input`, or f32 where `init` holds f32 and `input` bf16.

    Example:

    ```mlir
    %db = nn.reduce_sum %dy axes = [0, 1] : (tensor<4x128x768xf32>) -> tensor<768xf32>
    %acc1 = nn.reduce_sum %dy init(%acc0) axes = [0, 1] : (tensor<4x128x768xf32>, tensor<768xf32>) -> tensor<768xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$input, Optional<NN_FloatTensor>:$init,
                   DenseI64ArrayAttr:$axes, UnitAttr:$keepdims);
  let assemblyFormat = [{
    $input (`init` `(` $init^ `)`)? `axes` `=` $axes attr-dict `:`
    functional-type(operands, results)
  }];
  let builders = [
    OpBuilder<(ins "::mlir::Value":$input, "::llvm::ArrayRef<int64_t>":$axes,
                   CArg<"bool", "false">:$keepdims), [{
      build($_builder, $_state, input, ::mlir::Value(), axes, keepdims);
    }]>
  ];
}

def NN_ReduceMeanOp : NN_ReductionOp<"reduce_mean", [NN_SumsInFullPrecision]> {
  let summary = "mean over dimensions";
  let description = [{
    `result` is the sum of `input` over `axes` divided by the number of
    elements in the sum.
  }] # constraints # [{
    Example:

    ```mlir
    %m = nn.reduce_mean %x axes = [2] {keepdims} : (tensor<4x128x256xf32>) -> tensor<4x128x1xf32>
    ```
  }];
}

def NN_ReduceMaxOp : NN_ReductionOp<"reduce_max"> {
  let summary = "maximum over dimensions";
  let description = [{
    `result` is the largest element of `input` over `axes`; a NaN wins.
  }] # constraints # [{
    Example:

    ```mlir
    %m = nn.reduce_max %x axes = [2] {keepdims} : (tensor<4x128x256xf32>) -> tensor<4x128x1xf32>
    ```
  }];
}

def NN_SoftmaxOp : NN_InferredDifferentiableOp<"softmax"> {
  let summary = "exponentials normalised to sum 1";
  let description = [{
    Along `axis`: `result = exp(x - max(x)) / sum exp(x - max(x))`.

    Constraints:

    - (C1) `axis` is a dimension of `input`.

    Example:

    ```mlir
    %p = nn.softmax %x {axis = 2 : i64} : (tensor<4x128x256xf32>) -> tensor<4x128x256xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$input, I64Attr:$axis);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = [{
    $input attr-dict `:` functional-type(operands, results)
  }];
}

def NN_SumOfSquaresOp : NN_Op<"sum_of_squares"> {
  let summary = "sum of the squares of all elements, in double precision";
  let description = [{
    The squared norm of a gradient, whose bits are those of the elements and
    their number alone. On CPUs 16 sums take the elements in turn, and are added
    by halves; on GPUs up to 1,024 blocks of 256 threads take them in turn, and
    blocks and then their sums are added by halves. It has no adjoint.

    Constraints:

    - (C1) `input` has rank 1.

    Example:

    ```mlir
    %s = nn.sum_of_squares %g : tensor<4096xf32> -> tensor<f64>
    ```
  }];
  let arguments = (ins NN_TensorOf<[F32], "ranked tensor of f32">:$input);
  let results = (outs NN_TensorOf<[F64], "tensor of f64">:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

#endif // PP_DIALECT_NN_IR_NNREDUCTIONOPS_TD
