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
    positions whose target is not `ignore_index`; 0 if there are none. In a step
    micro-batches count as much as they have such positions (pp-weigh-loss), so
    that its loss is one mean over those of all. Targets must lie in `[0, V)` or
    be `ignore_index`, whatever that is: another target ends the step with an
    error.

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

def NN_ClassMaxOp : NN_InferredOp<"class_max"> {
  let summary = "the highest logit of each row";
  let description = [{
    With `logits[..., C]`: `result[i] = max_v logits[i, v]`. With
    `numbers(%n) of V` as in `nn.class_sums`: over the classes below V alone,
    -infinity where there are none; parts of a vocabulary give candidates. It is
    there for the shift of `nn.class_sums`, and has no derivative: put
    `comm.detach` behind it.

    Constraints:

    - (C1) `logits` has at least one dimension.
    - (C2) `numbers` has one dimension, the last of `logits`.
    - (C3) V is at least the last dimension of `logits`.

    Example:

    ```mlir
    %m = nn.class_max %logits : (tensor<4x128x256xf32>) -> tensor<4x128xf32>
    %p = nn.class_max %part numbers(%n) of 256 : (tensor<4x128x64xf32>, tensor<64xi32>) -> tensor<4x128xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$logits, Optional<NN_IdTensor>:$numbers,
                   OptionalAttr<I64Attr>:$count);
  let results = (outs NN_FloatTensor:$result);
  let extraClassDeclaration = numbersDeclaration;
  let extraClassDefinition = [{
    uint64_t $cppClass::getFlops() {
      return getLogits().getType().getNumElements();
    }
  }];
  let assemblyFormat = [{
    $logits (`numbers` `(` $numbers^ `)` `of` $count)? attr-dict `:`
    functional-type(operands, results)
  }];
}

class NN_ClassSumsBase<string mnemonic, list<Trait> traits = []>
    : NN_InferredOp<mnemonic, traits> {
  code constraints = [{

    Constraints:

    - (C1) `logits` has at least one dimension.
    - (C2) `targets` and `shift` have the dimensions of `logits` without the
      last; `shift` has the elements of `logits`.
    - (C3) `numbers` has one dimension, the last of `logits`, and the elements of
      `targets`.
    - (C4) V is at least the last dimension of `logits`.
  }];
  let extraClassDeclaration = numbersDeclaration;
}

def NN_ClassSumsOp : NN_ClassSumsBase<"class_sums",
    [DeclareOpInterfaceMethods<DifferentiableOpInterface>]> {
  let summary = "what a cross entropy sums over classes";
  let description = [{
    For each row i, with `logits[..., C]`:
    `sum[i] = sum_v exp(logits[i, v] - shift[i])`,
    `logit[i] = sum over v with v = targets[i] of logits[i, v] - shift[i]`, which
    is -0.0 where there is none. With the maximum of the row as `shift`
    `log sum[i] - logit[i]` is the negative log-likelihood of the target.

    With `numbers(%n) of V` the classes are some of V: column v is class `n[v]`,
    and columns of classes from V on count nowhere (padding). Numbers ascend by
    one; of them only the first is read. This is how a vocabulary is cut: both
    results are summands. Source: Shoeybi et al., "Megatron-LM: Training
    Multi-Billion Parameter Language Models Using Model Parallelism", 2019.

    Targets are classes or `ignore_index`: another target ends the step with an
    error. The derivative with respect to `shift` is taken for zero, as that of
    the log-likelihood is.
  }] # constraints # [{
    Example:

    ```mlir
    %sum, %logit = nn.class_sums %logits, %m, %targets : (tensor<4x128x256xf32>, tensor<4x128xf32>, tensor<4x128xi32>) -> (tensor<4x128xf32>, tensor<4x128xf32>)
    ```
  }];
  let arguments = (ins NN_FloatTensor:$logits, NN_FloatTensor:$shift,
                   NN_IdTensor:$targets, Optional<NN_IdTensor>:$numbers,
                   OptionalAttr<I64Attr>:$count, NN_IgnoreIndex:$ignore_index);
  let results = (outs NN_FloatTensor:$sum, NN_FloatTensor:$logit);
  let assemblyFormat = [{
    $logits `,` $shift `,` $targets (`numbers` `(` $numbers^ `)` `of` $count)?
    attr-dict `:` functional-type(operands, results)
  }];
}

def NN_ClassSumsGradOp : NN_ClassSumsBase<"class_sums_grad"> {
  let summary = "adjoint of class_sums with respect to the logits";
  let description = [{
    `dlogits[i, v] = dsum[i] exp(logits[i, v] - shift[i]) + [v = targets[i]]
    dlogit[i]`, with classes and numbers as in `nn.class_sums`; 0 for padding.
  }] # constraints # [{
    - (C5) `dsum` and `dlogit` have the types of the results of `nn.class_sums`.

    Example:

    ```mlir
    %dlogits = nn.class_sums_grad %logits, %m, %targets, %ds, %dl : (tensor<4x128x256xf32>, tensor<4x128xf32>, tensor<4x128xi32>, tensor<4x128xf32>, tensor<4x128xf32>) -> tensor<4x128x256xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$logits, NN_FloatTensor:$shift,
                   NN_IdTensor:$targets, NN_FloatTensor:$dsum,
                   NN_FloatTensor:$dlogit, Optional<NN_IdTensor>:$numbers,
                   OptionalAttr<I64Attr>:$count, NN_IgnoreIndex:$ignore_index);
  let results = (outs NN_FloatTensor:$dlogits);
  let assemblyFormat = [{
    $logits `,` $shift `,` $targets `,` $dsum `,` $dlogit
    (`numbers` `(` $numbers^ `)` `of` $count)? attr-dict `:`
    functional-type(operands, results)
  }];
}

#endif // PP_DIALECT_NN_IR_NNLOSSOPS_TD
