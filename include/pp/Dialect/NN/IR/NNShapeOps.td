//===- NNShapeOps.td - Ops that move elements ------------------*- tablegen -*-===//

#ifndef PP_DIALECT_NN_IR_NNSHAPEOPS_TD
#define PP_DIALECT_NN_IR_NNSHAPEOPS_TD

include "pp/Dialect/NN/IR/NNBase.td"

// A view: it moves nothing.
def NN_ReshapeOp : NN_DifferentiableOp<"reshape",
    [NN_IsView, DeclareOpInterfaceMethods<CostOpInterface,
      ["getBytesRead", "getBytesWritten"]>]> {
  let summary = "the same elements in another shape";
  let description = [{
    Elements keep their row-major order; nothing is copied.

    Constraints:

    - (C1) `input` and `result` have the same number of elements.
    - (C2) `input` and `result` have the same element type.

    Example:

    ```mlir
    %y = nn.reshape %x : (tensor<4x128x256xf32>) -> tensor<4x128x8x32xf32>
    ```
  }];
  let arguments = (ins NN_AnyTensor:$input);
  let extraClassDefinition = noFlops;
  let results = (outs NN_AnyTensor:$result);
  let assemblyFormat = [{
    $input attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def NN_TransposeOp : NN_InferredDifferentiableOp<"transpose"> {
  let summary = "permutation of dimensions";
  let description = [{
    Dimension i of the result is dimension `permutation[i]` of the input.

    Constraints:

    - (C1) `permutation` names each dimension of `input` once.

    Example:

    ```mlir
    %y = nn.transpose %x permutation = [0, 2, 1, 3] : (tensor<4x128x8x32xf32>) -> tensor<4x8x128x32xf32>
    ```
  }];
  let arguments = (ins NN_AnyTensor:$input, DenseI64ArrayAttr:$permutation);
  let extraClassDefinition = noFlops;
  let results = (outs NN_AnyTensor:$result);
  let assemblyFormat = [{
    $input `permutation` `=` $permutation attr-dict `:`
    functional-type(operands, results)
  }];
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def NN_BroadcastOp : NN_DifferentiableOp<"broadcast",
    [DeclareOpInterfaceMethods<ElementwiseOpInterface>]> {
  let summary = "repetition to a larger shape";
  let description = [{
    Shapes are aligned at their last dimensions; missing dimensions of `input`
    and those of size 1 repeat.

    Constraints:

    - (C1) `input` and `result` have the same element type.
    - (C2) Aligned dimensions of `input` are those of `result` or 1, and
      `input` has no more dimensions than `result`.

    Example:

    ```mlir
    %y = nn.broadcast %x : (tensor<4x128x1xf32>) -> tensor<4x128x256xf32>
    ```
  }];
  let arguments = (ins NN_AnyTensor:$input);
  let results = (outs NN_AnyTensor:$result);
  let assemblyFormat = [{
    $input attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDefinition = elementwiseFlops # NN_Linear<"{{0}}">.rule;
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def NN_SliceOp : NN_InferredDifferentiableOp<"slice",
    [NN_IsView, DeclareOpInterfaceMethods<CostOpInterface, ["getBytesRead"]>]> {
  let summary = "a box of a tensor, with steps";
  let description = [{
    `result[i...] = input[offsets + i strides]` for i below `sizes`. Strides of 1
    may be left out of the text.

    Constraints:

    - (C1) `offsets`, `sizes` and `strides` have one number a dimension of
      `input`.
    - (C2) Offsets are not negative; sizes and strides are positive.
    - (C3) The last element that is read, `offset + (size - 1) stride`, is
      inside `input`.

    Example:

    ```mlir
    %y = nn.slice %x offsets = [0, 0, 256] sizes = [4, 128, 256] : (tensor<4x128x768xf32>) -> tensor<4x128x256xf32>
    %z = nn.slice %x offsets = [0, 1, 0] sizes = [4, 64, 768] strides = [1, 2, 1] : (tensor<4x128x768xf32>) -> tensor<4x64x768xf32>
    ```
  }];
  let extraClassDeclaration = [{
    /// ShardableOpInterface.
    void resizeToPart(::mlir::StringAttr axis, std::optional<int64_t> dim);
  }];
  let arguments = (ins NN_AnyTensor:$input, DenseI64ArrayAttr:$offsets,
                   DenseI64ArrayAttr:$sizes, DenseI64ArrayAttr:$strides);
  let extraClassDefinition = noFlops;
  let results = (outs NN_AnyTensor:$result);
  let assemblyFormat = [{
    $input `offsets` `=` $offsets `sizes` `=` $sizes
    custom<Strides>($strides, ref($sizes)) attr-dict `:` functional-type(operands, results)
  }];
  let hasFolder = 1;
}

def NN_PadOp : NN_InferredDifferentiableOp<"pad"> {
  let summary = "zeros around and between the elements of a tensor";
  let description = [{
    Puts `low` zeros before, `high` zeros after and `interior` zeros between
    neighbouring elements of each dimension: the adjoint of `nn.slice`, with
    `interior = strides - 1`. The size of a dimension becomes
    `low + size + (size - 1) interior + high`. Zeros for `interior` may be left
    out of the text.

    Constraints:

    - (C1) `low`, `high` and `interior` have one number a dimension of `input`.
    - (C2) None of them is negative, and no dimension of the result exceeds
      2^48.

    Example:

    ```mlir
    %y = nn.pad %x low = [0, 0, 256] high = [0, 0, 256] : (tensor<4x128x256xf32>) -> tensor<4x128x768xf32>
    ```
  }];
  let extraClassDeclaration = [{
    /// ShardableOpInterface.
    void resizeToPart(::mlir::StringAttr axis, std::optional<int64_t> dim);
  }];
  let arguments = (ins NN_FloatTensor:$input, DenseI64ArrayAttr:$low,
                   DenseI64ArrayAttr:$high, DenseI64ArrayAttr:$interior);
  let extraClassDefinition = noFlops;
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = [{
    $input `low` `=` $low `high` `=` $high
    custom<Interior>($interior, ref($low)) attr-dict `:` functional-type(operands, results)
  }];
  let hasFolder = 1;
}

def NN_ConcatenateOp : NN_InferredDifferentiableOp<"concatenate"> {
  let summary = "tensors one after the other along a dimension";
  let description = [{
    Constraints:

    - (C1) There is at least one input.
    - (C2) `axis` is a dimension of the inputs.
    - (C3) The inputs agree in element type, rank and all dimensions but `axis`.

    Example:

    ```mlir
    %y = nn.concatenate %a, %b {axis = 1 : i64} : (tensor<4x16xf32>, tensor<4x8xf32>) -> tensor<4x24xf32>
    ```
  }];
  let arguments = (ins Variadic<NN_AnyTensor>:$inputs, I64Attr:$axis);
  let extraClassDefinition = noFlops;
  let results = (outs NN_AnyTensor:$result);
  let assemblyFormat = [{
    $inputs attr-dict `:` functional-type(operands, results)
  }];
  let hasFolder = 1;
}

def NN_SplitOp : NN_InferredDifferentiableOp<"split", [NN_IsView]> {
  let summary = "a tensor cut along a dimension";
  let description = [{
    One result for each of `sizes`, in order: the inverse of `nn.concatenate`.

    Constraints:

    - (C1) `axis` is a dimension of `input`.
    - (C2) `sizes` are positive, at least one, and sum to the size of `axis`.

    Example:

    ```mlir
    %q, %k, %v = nn.split %qkv sizes = [256, 64, 64] {axis = 2 : i64} : (tensor<4x128x384xf32>) -> (tensor<4x128x256xf32>, tensor<4x128x64xf32>, tensor<4x128x64xf32>)
    ```
  }];
  let extraClassDeclaration = [{
    /// ShardableOpInterface.
    void resizeToPart(::mlir::StringAttr axis, std::optional<int64_t> dim);
  }];
  let arguments = (ins NN_AnyTensor:$input, DenseI64ArrayAttr:$sizes,
                   I64Attr:$axis);
  let extraClassDefinition = noFlops;
  let results = (outs Variadic<NN_AnyTensor>:$pieces);
  let assemblyFormat = [{
    $input `sizes` `=` $sizes attr-dict `:` functional-type(operands, results)
  }];
  let hasFolder = 1;
}

#endif // PP_DIALECT_NN_IR_NNSHAPEOPS_TD
