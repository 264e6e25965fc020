//===- NNElementwiseOps.td - One scalar at a time --------------*- tablegen -*-===//

#ifndef PP_DIALECT_NN_IR_NNELEMENTWISEOPS_TD
#define PP_DIALECT_NN_IR_NNELEMENTWISEOPS_TD

include "pp/Dialect/NN/IR/NNBase.td"

//===----------------------------------------------------------------------===//
// Binary arithmetic with broadcasting
//===----------------------------------------------------------------------===//

class NN_BinaryOp<string mnemonic, string linear, list<Trait> traits = []>
    : NN_InferredDifferentiableOp<mnemonic, !listconcat(
        [DeclareOpInterfaceMethods<ElementwiseOpInterface>], traits)> {
  let arguments = (ins NN_FloatTensor:$lhs, NN_FloatTensor:$rhs);
  let extraClassDefinition = elementwiseFlops # NN_Linear<linear>.rule;
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs attr-dict `:` functional-type(operands, results)
  }];
  code constraints = [{

    Operands broadcast as in NumPy: shapes are aligned at their last
    dimensions; missing dimensions and those of size 1 repeat.

    Constraints:

    - (C1) `lhs` and `rhs` have the same element type.
    - (C2) Aligned dimensions are equal or one of them is 1.
  }];
}

def NN_AddOp : NN_BinaryOp<"add", "{{0}, {1}}", [Commutative]> {
  let summary = "elementwise sum with broadcasting";
  let description = [{
    `result = lhs + rhs`.
  }] # constraints # [{
    Example:

    ```mlir
    %y = nn.add %x, %bias : (tensor<4x128x256xf32>, tensor<256xf32>) -> tensor<4x128x256xf32>
    ```
  }];
}

def NN_SubOp : NN_BinaryOp<"sub", "{{0}, {1}}"> {
  let summary = "elementwise difference with broadcasting";
  let description = [{
    `result = lhs - rhs`.
  }] # constraints # [{
    Example:

    ```mlir
    %y = nn.sub %x, %mean : (tensor<4x128x256xf32>, tensor<4x128x1xf32>) -> tensor<4x128x256xf32>
    ```
  }];
}

def NN_MulOp : NN_BinaryOp<"mul", "{{0, 1}}", [Commutative]> {
  let summary = "elementwise product with broadcasting";
  let description = [{
    `result = lhs * rhs`.
  }] # constraints # [{
    Example:

    ```mlir
    %y = nn.mul %gate, %up : (tensor<4x128x688xf32>, tensor<4x128x688xf32>) -> tensor<4x128x688xf32>
    ```
  }];
}

def NN_DivOp : NN_BinaryOp<"div", "{{0}}"> {
  let summary = "elementwise quotient with broadcasting";
  let description = [{
    `result = lhs / rhs`, as IEEE 754 divides.
  }] # constraints # [{
    Example:

    ```mlir
    %y = nn.div %x, %norm : (tensor<4x128x256xf32>, tensor<4x128x1xf32>) -> tensor<4x128x256xf32>
    ```
  }];
}

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

class NN_UnaryOp<string mnemonic, list<Trait> traits = []>
    : NN_InferredDifferentiableOp<mnemonic, !listconcat(
        [DeclareOpInterfaceMethods<ElementwiseOpInterface>], traits)> {
  let arguments = (ins NN_FloatTensor:$input);
  let extraClassDefinition = elementwiseFlops # NN_Linear<"{}">.rule;
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = [{
    $input attr-dict `:` functional-type(operands, results)
  }];
}

// The adjoint of an activation: `dy * f'(input)`.
class NN_ActivationGradOp<string mnemonic, list<Trait> traits = []>
    : NN_InferredOp<mnemonic, !listconcat(
        [DeclareOpInterfaceMethods<ElementwiseOpInterface>], traits)> {
  let arguments = (ins NN_FloatTensor:$input, NN_FloatTensor:$dy);
  let extraClassDefinition = elementwiseFlops # NN_Linear<"{{1}}">.rule;
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $dy attr-dict `:` functional-type(operands, results)
  }];
}

defvar NN_Approximate = DefaultValuedStrAttr<StrAttr, "none">;

def NN_GeluOp : NN_UnaryOp<"gelu"> {
  let summary = "Gaussian error linear unit";
  let description = [{
    With `approximate = "none"` (the default), `result = x Phi(x)` with the
    normal distribution function `Phi(x) = (1 + erf(x / sqrt 2)) / 2`. With
    `approximate = "tanh"`,
    `result = x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2`, as GPT-2 has
    it. Source: Hendrycks, Gimpel, "Gaussian Error Linear Units", 2016.

    Constraints:

    - (C1) `approximate` is `"none"` or `"tanh"`.

    Example:

    ```mlir
    %y = nn.gelu %x {approximate = "tanh"} : (tensor<4x128x1024xf32>) -> tensor<4x128x1024xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$input, NN_Approximate:$approximate);
}

def NN_GeluGradOp : NN_ActivationGradOp<"gelu_grad"> {
  let summary = "adjoint of gelu";
  let description = [{
    `result = dy (Phi(x) + x phi(x))` with the normal density `phi`; for
    `approximate = "tanh"` the derivative of that formula.

    Constraints:

    - (C1) `approximate` is `"none"` or `"tanh"`.
    - (C2) `dy` has the type of `input`.

    Example:

    ```mlir
    %dx = nn.gelu_grad %x, %dy {approximate = "tanh"} : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$input, NN_FloatTensor:$dy,
                   NN_Approximate:$approximate);
}

def NN_SiluOp : NN_UnaryOp<"silu"> {
  let summary = "sigmoid linear unit";
  let description = [{
    `result = x / (1 + exp(-x))`, also called swish; Llama's activation.

    Example:

    ```mlir
    %y = nn.silu %x : (tensor<4x128x688xf32>) -> tensor<4x128x688xf32>
    ```
  }];
}

def NN_SiluGradOp : NN_ActivationGradOp<"silu_grad"> {
  let summary = "adjoint of silu";
  let description = [{
    `result = dy s (1 + x (1 - s))` with `s = 1 / (1 + exp(-x))`.

    Constraints:

    - (C2) `dy` has the type of `input`.

    Example:

    ```mlir
    %dx = nn.silu_grad %x, %dy : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
    ```
  }];
}

def NN_ReluOp : NN_UnaryOp<"relu"> {
  let summary = "rectified linear unit";
  let description = [{
    `result = max(x, 0)`; a NaN stays a NaN, so that a diverged run is seen.

    Example:

    ```mlir
    %y = nn.relu %x : (tensor<8x16xf32>) -> tensor<8x16xf32>
    ```
  }];
  let hasFolder = 1;
}

def NN_ReluGradOp : NN_ActivationGradOp<"relu_grad"> {
  let summary = "adjoint of relu";
  let description = [{
    `result = dy` where `x > 0`, else 0: the derivative at 0 is taken as 0.

    Constraints:

    - (C2) `dy` has the type of `input`.

    Example:

    ```mlir
    %dx = nn.relu_grad %x, %dy : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
    ```
  }];
}

//===----------------------------------------------------------------------===//
// Change of type
//===----------------------------------------------------------------------===//

def NN_CastOp : NN_DifferentiableOp<"cast",
    [DeclareOpInterfaceMethods<ElementwiseOpInterface>]> {
  let summary = "change of the element type";
  let description = [{
    Converts each element: floats round to nearest even, floats to integers
    round towards zero, integers to floats round to nearest even, integers
    extend their sign or lose high bits. A float outside the range of the
    integer type, or a NaN, gives an unspecified integer.

    Constraints:

    - (C1) `input` and `result` have the same shape.

    Example:

    ```mlir
    %y = nn.cast %x : (tensor<8x16xf32>) -> tensor<8x16xbf16>
    ```
  }];
  let arguments = (ins NN_AnyTensor:$input);
  let results = (outs NN_AnyTensor:$result);
  let assemblyFormat = [{
    $input attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDefinition = elementwiseFlops;
  let hasVerifier = 1;
  let hasFolder = 1;
}

#endif // PP_DIALECT_NN_IR_NNELEMENTWISEOPS_TD
