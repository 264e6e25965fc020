//===- NNLinearAlgebraOps.td - Products and tables -------------*- tablegen -*-===//

#ifndef PP_DIALECT_NN_IR_NNLINEARALGEBRAOPS_TD
#define PP_DIALECT_NN_IR_NNLINEARALGEBRAOPS_TD

include "pp/Dialect/NN/IR/NNBase.td"

def NN_LinearOp : NN_InferredDifferentiableOp<"linear"> {
  let summary = "rows times a weight matrix, plus a bias";
  let description = [{
    `result[..., n] = sum_k input[..., k] weight[k, n] + bias[n]`; with
    `transposed`, `weight` is stored `[n, k]`, as PyTorch does. `bias` may be
    left out.

    Constraints:

    - (C1) `input` has at least one dimension, `weight` exactly two.
    - (C2) All operands have the same element type.
    - (C3) The last dimension of `input` equals the inner dimension of `weight`:
      dimension 0, or dimension 1 if `transposed`.
    - (C4) `bias` has one dimension: the outer one of `weight`.

    Example:

    ```mlir
    %y = nn.linear %x, %w, %b : (tensor<4x128x256xf32>, tensor<256x768xf32>, tensor<768xf32>) -> tensor<4x128x768xf32>
    %z = nn.linear %x, %wt {transposed} : (tensor<4x128x256xf32>, tensor<768x256xf32>) -> tensor<4x128x768xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$input, NN_FloatTensor:$weight,
                   Optional<NN_FloatTensor>:$bias, UnitAttr:$transposed);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $weight (`,` $bias^)? attr-dict `:`
    functional-type(operands, results)
  }];
}

def NN_MatmulOp
    : NN_InferredDifferentiableOp<"matmul", [AccumulatingOpInterface]> {
  let summary = "batched matrix product, optionally added to a tensor";
  let description = [{
    `result[..., m, n] = init[..., m, n] + sum_k a[..., m, k] b[..., k, n]`.
    `transpose_a` and `transpose_b` exchange the last two dimensions of an
    operand first. Without `init` the sum stands alone.

    Constraints:

    - (C1) `lhs` and `rhs` have the same rank, at least 2.
    - (C2) `lhs` and `rhs` have the same element type.
    - (C3) The inner dimensions agree.
    - (C4) The batch dimensions, all but the last two, agree.
    - (C5) `init` has the type of the result, whose elements are those of the
      operands, or f32 where `init` holds f32 and they bf16.

    Example:

    ```mlir
    %c = nn.matmul %a, %b {transpose_b} : (tensor<4x8x16xf32>, tensor<4x32x16xf32>) -> tensor<4x8x32xf32>
    %d = nn.matmul %a, %b init(%c) {transpose_b} : (tensor<4x8x16xf32>, tensor<4x32x16xf32>, tensor<4x8x32xf32>) -> tensor<4x8x32xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$lhs, NN_FloatTensor:$rhs,
                   Optional<NN_FloatTensor>:$init, UnitAttr:$transpose_a,
                   UnitAttr:$transpose_b);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs (`init` `(` $init^ `)`)? attr-dict `:`
    functional-type(operands, results)
  }];
  let builders = [
    OpBuilder<(ins "::mlir::Value":$lhs, "::mlir::Value":$rhs,
                   CArg<"bool", "false">:$transposeA,
                   CArg<"bool", "false">:$transposeB), [{
      build($_builder, $_state, lhs, rhs, ::mlir::Value(), transposeA,
            transposeB);
    }]>
  ];
}

def NN_EmbeddingOp : NN_InferredDifferentiableOp<"embedding",
    [DeclareOpInterfaceMethods<CostOpInterface, ["getBytesRead"]>]> {
  let summary = "rows of a table, chosen by ids";
  let description = [{
    `result[..., c] = table[ids[...], c]`. Ids must lie in `[0, V)`, V the rows of
    the table: another id ends the step with an error.

    With `numbers(%n) of V` the table is some of the rows of one of V: row r has
    the number `n[r]`, and `result[..., c]` is the sum over r with
    `n[r] = ids[...]` of `table[r, c]`; where no row has the number it is -0.0,
    which changes no sum. Numbers ascend by one from row to row; of them only
    the first is read. This is how a table is cut by rows: each coordinate has
    the numbers of its own (`comm.iota`), and results are summands.

    Constraints:

    - (C1) `table` has two dimensions.
    - (C2) `ids` has a rank of at most 7.
    - (C3) `numbers` has one dimension, the rows of `table`, and the elements of
      `ids`.
    - (C4) V is at least the number of rows.

    Example:

    ```mlir
    %x = nn.embedding %tokens, %table : (tensor<4x128xi32>, tensor<256x64xf32>) -> tensor<4x128x64xf32>
    %p = nn.embedding %tokens, %part numbers(%n) of 256 : (tensor<4x128xi32>, tensor<128x64xf32>, tensor<128xi32>) -> tensor<4x128x64xf32>
    ```
  }];
  let arguments = (ins NN_IdTensor:$ids, NN_FloatTensor:$table,
                   Optional<NN_IdTensor>:$numbers, OptionalAttr<I64Attr>:$count);
  let extraClassDeclaration = numbersDeclaration;
  let extraClassDefinition = noFlops;
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = [{
    $ids `,` $table (`numbers` `(` $numbers^ `)` `of` $count)? attr-dict `:`
    functional-type(operands, results)
  }];
}

def NN_EmbeddingGradOp : NN_Op<"embedding_grad",
    [AccumulatingOpInterface, AttrSizedOperandSegments,
     DeclareOpInterfaceMethods<CostOpInterface,
       ["getBytesRead", "getBytesWritten"]>]> {
  let summary = "adjoint of embedding with respect to the table";
  let description = [{
    `result[v, c] = init[v, c] + sum over positions p with ids[p] = v of
    dy[p, c]`. Ids must be rows of the result, as those of `nn.embedding`. Rows are added in ascending order of positions, so the sum has
    the same bits whatever runs it. With `numbers(%n) of V`, as those of
    `nn.embedding`, row r of the result has the number `n[r]`.

    Constraints:

    - (C1) `dy` has the dimensions of `ids`, then one more: that of a row.
    - (C2) `result` has two dimensions, the last one that of a row, and the
      element type of `dy`, or f32 where `init` holds f32 and `dy` bf16.
    - (C3) `init` has the type of the result.
    - (C4) `numbers` has one dimension, the rows of the result, and the elements
      of `ids`.
    - (C5) V is at least the number of rows.

    Example:

    ```mlir
    %dt = nn.embedding_grad %tokens, %dy init(%acc) : (tensor<4x128xi32>, tensor<4x128x64xf32>, tensor<256x64xf32>) -> tensor<256x64xf32>
    ```
  }];
  let arguments = (ins NN_IdTensor:$ids, NN_FloatTensor:$dy,
                   Optional<NN_FloatTensor>:$init,
                   Optional<NN_IdTensor>:$numbers, OptionalAttr<I64Attr>:$count);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = [{
    $ids `,` $dy (`init` `(` $init^ `)`)? (`numbers` `(` $numbers^ `)` `of` $count)?
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // PP_DIALECT_NN_IR_NNLINEARALGEBRAOPS_TD
