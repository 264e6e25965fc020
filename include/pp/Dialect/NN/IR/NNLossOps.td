//===- NNLossOps.td - Losses -----------------------------------*- tablegen -*-===//

#ifndef PP_DIALECT_NN_IR_NNLOSSOPS_TD
#define PP_DIALECT_NN_IR_NNLOSSOPS_TD

include "pp/Dialect/NN/IR/NNBase.td"

defvar NN_IgnoreIndex = DefaultValuedAttr<I64Attr, "-100">;

def NN_CrossEntropyOp : NN_InferredDifferentiableOp<"cross_entropy"> {
  let summary = "mean negative log-likelihood of targets under logits";
  let description = [{
    With `logits[..., V]` and `targets[...]`:
    `lse[i] = log sum_v exp logits[i, v]` and
    `loss = sum_i (lse[i] - logits[i, targets[i]]) / n`, both over the n
    positions whose target is not `ignore_index`; 0 if there are none. Targets
    must lie in `[0, V)` or be `ignore_index`, whatever that is: another target
    ends the step with an error.

    Constraints:

    - (C1) `logits` has at least one dimension.
    - (C2) `targets` has the dimensions of `logits` without the last.

    Example:

    ```mlir
    %loss, %lse = nn.cross_entropy %logits, %targets {ignore_index = -1 : i64} : (tensor<4x128x256xf32>, tensor<4x128xi32>) -> (tensor<f32>, tensor<4x128xf32>)
    ```
  }];
  let arguments = (ins NN_FloatTensor:$logits, NN_IdTensor:$targets,
                   NN_IgnoreIndex:$ignore_index);
  let results = (outs NN_FloatTensor:$loss, NN_FloatTensor:$lse);
  let assemblyFormat = [{
    $logits `,` $targets attr-dict `:` functional-type(operands, results)
  }];
}

def NN_CrossEntropyGradOp : NN_InferredOp<"cross_entropy_grad"> {
  let summary = "adjoint of cross_entropy with respect to the logits";
  let description = [{
    `dlogits[i, v] = dloss (exp(logits[i, v] - lse[i]) - [v = targets[i]]) / n`
    where target i is not `ignore_index`, of which there are n; 0 elsewhere.
    Targets are those that `nn.cross_entropy` takes.

    Constraints:

    - (C1) `logits` has at least one dimension.
    - (C2) `targets` has the dimensions of `logits` without the last.
    - (C3) `lse` and `dloss` have the types of the results of
      `nn.cross_entropy`.

    Example:

    ```mlir
    %dlogits = nn.cross_entropy_grad %logits, %targets, %lse, %dloss : (tensor<4x128x256xf32>, tensor<4x128xi32>, tensor<4x128xf32>, tensor<f32>) -> tensor<4x128x256xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$logits, NN_IdTensor:$targets,
                   NN_FloatTensor:$lse, NN_FloatTensor:$dloss,
                   NN_IgnoreIndex:$ignore_index);
  let results = (outs NN_FloatTensor:$dlogits);
  let assemblyFormat = [{
    $logits `,` $targets `,` $lse `,` $dloss attr-dict `:`
    functional-type(operands, results)
  }];
}

#endif // PP_DIALECT_NN_IR_NNLOSSOPS_TD
