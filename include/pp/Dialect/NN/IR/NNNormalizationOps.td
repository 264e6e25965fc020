//===- NNNormalizationOps.td - Norms over the last dimension ---*- tablegen -*-===//

#ifndef PP_DIALECT_NN_IR_NNNORMALIZATIONOPS_TD
#define PP_DIALECT_NN_IR_NNNORMALIZATIONOPS_TD

include "pp/Dialect/NN/IR/NNBase.td"

defvar NN_Epsilon = DefaultValuedAttr<F64Attr, "1.0e-5">;

def NN_LayerNormOp : NN_InferredDifferentiableOp<"layer_norm"> {
  let summary = "normalisation of rows to mean 0 and variance 1";
  let description = [{
    Over the last dimension, of size C:
    `xhat = (x - mean(x)) / sqrt(var(x) + eps)` with the biased variance, then
    `result = gamma xhat + beta`. Source: Ba, Kiros, Hinton, "Layer
    Normalization", 2016.

    Constraints:

    - (C1) `input` has at least one dimension.
    - (C2) All operands have the same element type.
    - (C3) `gamma` and `beta` have one dimension, the last of `input`.
    - (C4) `eps` is finite and not negative, and not rounded to 0 where the op
      computes (f32 for bf16 and f32).

    Example:

    ```mlir
    %y = nn.layer_norm %x, %gamma, %beta {eps = 1.0e-5} : (tensor<4x128x256xf32>, tensor<256xf32>, tensor<256xf32>) -> tensor<4x128x256xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$input, NN_FloatTensor:$gamma,
                   NN_FloatTensor:$beta, NN_Epsilon:$eps);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $gamma `,` $beta attr-dict `:`
    functional-type(operands, results)
  }];
}

// dx of a norm: of the type of the input.
class NN_NormGradInputOp<string mnemonic> : NN_InferredOp<mnemonic> {
  let arguments = (ins NN_FloatTensor:$input, NN_FloatTensor:$gamma,
                   NN_FloatTensor:$dy, Variadic<NN_FloatTensor>:$statistics,
                   NN_Epsilon:$eps);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $gamma `,` $dy (`statistics` `(` $statistics^ `)`)? attr-dict `:`
    functional-type(operands, results)
  }];
  code constraints = [{

    Constraints:

    - (C1) `input` has at least one dimension.
    - (C2) All operands have the same element type.
    - (C3) `gamma` has one dimension, the last of `input`.
    - (C4) `eps` is finite and not negative, and not rounded to 0 where the op
      computes (f32 for bf16 and f32).
    - (C5) `dy` has the type of `input`.
    - (C7) `statistics` are those of `input`, as the op for them gives them, or
      left out: then they are computed on the way.
  }];
}

// The statistics of rows, which both adjoints of a norm read.
class NN_NormStatisticsOp<string mnemonic> : NN_InferredOp<mnemonic> {
  let arguments = (ins NN_FloatTensor:$input, NN_Epsilon:$eps);
  let assemblyFormat = [{
    $input attr-dict `:` functional-type(operands, results)
  }];
  code constraints = [{
    Results have one dimension: the number of rows, in order. They are f32 where
    `input` is bf16.

    Constraints:

    - (C1) `input` has at least one dimension.
    - (C4) `eps` is finite and not negative, and not rounded to 0 where the op
      computes (f32 for bf16 and f32).

  }];
}

// dgamma of a norm: of the type of a row.
class NN_NormGradScaleOp<string mnemonic>
    : NN_InferredOp<mnemonic, [AccumulatingOpInterface,
                               AttrSizedOperandSegments]> {
  let arguments = (ins NN_FloatTensor:$input, NN_FloatTensor:$dy,
                   Variadic<NN_FloatTensor>:$statistics,
                   Optional<NN_FloatTensor>:$init, NN_Epsilon:$eps);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $dy (`statistics` `(` $statistics^ `)`)?
    (`init` `(` $init^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  code constraints = [{
    Rows are added in order.

    Constraints:

    - (C1) `input` has at least one dimension.
    - (C4) `eps` is finite and not negative, and not rounded to 0 where the op
      computes (f32 for bf16 and f32).
    - (C5) `dy` has the type of `input`.
    - (C6) `init` has the type of the result: the last dimension of `input`,
      with its elements, or f32 where `init` holds f32 and `input` bf16.
    - (C7) `statistics` are those of `input`, as the op for them gives them, or
      left out: then they are computed on the way.
  }];
}

def NN_LayerNormStatisticsOp
    : NN_NormStatisticsOp<"layer_norm_statistics"> {
  let summary = "mean and reciprocal deviation of rows";
  let description = [{
    Over the last dimension: `mean = mean(x)`, `scale = 1 / sqrt(var(x) + eps)`
    with the biased variance.
  }] # constraints # [{
    Example:

    ```mlir
    %mean, %scale = nn.layer_norm_statistics %x {eps = 1.0e-5} : (tensor<4x8x16xbf16>) -> (tensor<32xf32>, tensor<32xf32>)
    ```
  }];
  let results = (outs NN_FloatTensor:$mean, NN_FloatTensor:$scale);
}

def NN_LayerNormGradInputOp : NN_NormGradInputOp<"layer_norm_grad_input"> {
  let summary = "adjoint of layer_norm with respect to its input";
  let description = [{
    With `g = gamma dy` and means over the last dimension,
    `result = (g - mean(g) - xhat mean(g xhat)) / sqrt(var(x) + eps)`.
    Mean and variance are computed again in the backward: one more pass over a
    row in cache is cheaper than keeping them from the forward.
  }] # constraints # [{
    Example:

    ```mlir
    %dx = nn.layer_norm_grad_input %x, %gamma, %dy {eps = 1.0e-5} : (tensor<8x16xf32>, tensor<16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
    ```
  }];
}

def NN_LayerNormGradScaleOp : NN_NormGradScaleOp<"layer_norm_grad_scale"> {
  let summary = "adjoint of layer_norm with respect to gamma";
  let description = [{
    `result[c] = init[c] + sum over rows of dy[..., c] xhat[..., c]`. (The
    adjoint with respect to `beta` is the sum of `dy` over rows.)
  }] # constraints # [{
    Example:

    ```mlir
    %dg = nn.layer_norm_grad_scale %x, %dy init(%acc) {eps = 1.0e-5} : (tensor<8x16xf32>, tensor<8x16xf32>, tensor<16xf32>) -> tensor<16xf32>
    ```
  }];
}

def NN_RMSNormOp : NN_InferredDifferentiableOp<"rms_norm"> {
  let summary = "normalisation of rows by their root mean square";
  let description = [{
    Over the last dimension: `result = gamma x / sqrt(mean(x^2) + eps)`.
    Source: Zhang, Sennrich, "Root Mean Square Layer Normalization", 2019.

    Constraints:

    - (C1) `input` has at least one dimension.
    - (C2) All operands have the same element type.
    - (C3) `gamma` has one dimension, the last of `input`.
    - (C4) `eps` is finite and not negative, and not rounded to 0 where the op
      computes (f32 for bf16 and f32).

    Example:

    ```mlir
    %y = nn.rms_norm %x, %gamma {eps = 1.0e-6} : (tensor<4x128x256xf32>, tensor<256xf32>) -> tensor<4x128x256xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$input, NN_FloatTensor:$gamma,
                   NN_Epsilon:$eps);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $gamma attr-dict `:` functional-type(operands, results)
  }];
}

def NN_RMSNormStatisticsOp : NN_NormStatisticsOp<"rms_norm_statistics"> {
  let summary = "reciprocal root mean square of rows";
  let description = [{
    Over the last dimension: `scale = 1 / sqrt(mean(x^2) + eps)`.
  }] # constraints # [{
    Example:

    ```mlir
    %scale = nn.rms_norm_statistics %x {eps = 1.0e-6} : (tensor<4x8x16xbf16>) -> tensor<32xf32>
    ```
  }];
  let results = (outs NN_FloatTensor:$scale);
}

def NN_RMSNormGradInputOp : NN_NormGradInputOp<"rms_norm_grad_input"> {
  let summary = "adjoint of rms_norm with respect to its input";
  let description = [{
    With `r = 1 / sqrt(mean(x^2) + eps)`, `g = gamma dy` and means over the last
    dimension, `result = r (g - x r^2 mean(g x))`.
  }] # constraints # [{
    Example:

    ```mlir
    %dx = nn.rms_norm_grad_input %x, %gamma, %dy {eps = 1.0e-6} : (tensor<8x16xf32>, tensor<16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
    ```
  }];
}

def NN_RMSNormGradScaleOp : NN_NormGradScaleOp<"rms_norm_grad_scale"> {
  let summary = "adjoint of rms_norm with respect to gamma";
  let description = [{
    `result[c] = init[c] + sum over rows of dy[..., c] x[..., c] r[...]` with
    `r = 1 / sqrt(mean(x^2) + eps)`.
  }] # constraints # [{
    Example:

    ```mlir
    %dg = nn.rms_norm_grad_scale %x, %dy init(%acc) {eps = 1.0e-6} : (tensor<8x16xf32>, tensor<8x16xf32>, tensor<16xf32>) -> tensor<16xf32>
    ```
  }];
}

#endif // PP_DIALECT_NN_IR_NNNORMALIZATIONOPS_TD
