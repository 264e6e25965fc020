//===- CommOps.td - Ops of the comm dialect --------------------*- tablegen -*-===//

#ifndef PP_DIALECT_COMM_IR_COMMOPS_TD
#define PP_DIALECT_COMM_IR_COMMOPS_TD

include "pp/Dialect/Comm/IR/CollectiveOpInterface.td"
include "pp/Dialect/Comm/IR/CommAttributes.td"
include "pp/Dialect/Comm/IR/CommDialect.td"
include "pp/Interfaces/CostOpInterface.td"
include "pp/Interfaces/DifferentiableOpInterface.td"
include "pp/Interfaces/ShardableOpInterface.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/CommonAttrConstraints.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

//===----------------------------------------------------------------------===//
// Types and classes
//===----------------------------------------------------------------------===//

def Comm_Tensor : StaticShapeTensorOf<[BF16, F32, F64, I32, I64]>;
def Comm_FloatTensor : StaticShapeTensorOf<[BF16, F32, F64]>;
def Comm_IdTensor : StaticShapeTensorOf<[I32, I64]>;

def Comm_Reduction : I32EnumAttr<"Reduction", "how an all-reduce combines", [
    I32EnumAttrCase<"Sum", 0, "sum">, I32EnumAttrCase<"Max", 1, "max">]> {
  let cppNamespace = "::pp::comm";
}

// An op over axes of the mesh. Constraints that need the sizes of these are
// checked where the symbols of the module are (`verifySymbolUses`).
class Comm_CollectiveOp<string mnemonic, list<Trait> traits = [],
                        list<string> costs = ["getCommunication"]>
    : Op<Comm_Dialect, mnemonic, !listconcat([Pure,
        DeclareOpInterfaceMethods<CollectiveOpInterface,
          ["getTransition", "getExpected", "getExchangedDims"]>,
        DeclareOpInterfaceMethods<CostOpInterface, costs>,
        DeclareOpInterfaceMethods<SymbolUserOpInterface>], traits)> {
  let hasVerifier = 1;
  code constraints = [{

    Constraints:

    - (C1) `axes` has at least one name; names are not empty and stand once.
    - (C2) Each of them is an axis of the mesh, in the order of the mesh: its
      first counts slowest wherever a dimension is cut by several.
  }];
}

class Comm_DifferentiableOp<string mnemonic, list<Trait> traits = [],
                            list<string> costs = ["getCommunication"]>
    : Comm_CollectiveOp<mnemonic, !listconcat(
        [DeclareOpInterfaceMethods<DifferentiableOpInterface>], traits),
        costs>;

//===----------------------------------------------------------------------===//
// Reductions and gathers
//===----------------------------------------------------------------------===//

def Comm_AllReduceOp : Comm_DifferentiableOp<"all_reduce",
    [SameOperandsAndResultType]> {
  let summary = "sum or maximum over the coordinates of axes, for all of them";
  let description = [{
    Each coordinate gets the sum (`sum`) or the maximum (`max`) of the operands
    of its group: the ranks that differ in their coordinates on `axes` only.
    Takes P to I, or partial(max) to I.

    The adjoint of a sum is `comm.vary`. A maximum has none: a real one would
    need to know how many coordinates hold it, one all-reduce more, and where a
    maximum only keeps exponentials small its cotangent is zero anyway. There
    `comm.detach` on the result says so.

    Wire, a rank: `2 (n - 1) / n` of the operand, as a ring moves it. Source:
    Patarasuk, Yuan, "Bandwidth Optimal All-reduce Algorithms for Clusters of
    Workstations", 2009.
  }] # constraints # [{
    Example:

    ```mlir
    %y = comm.all_reduce sum %x over ["tensor"] : tensor<4x128x64xf32>
    %m = comm.all_reduce max %r over ["tensor"] : tensor<4x128xf32>
    ```
  }];
  let arguments = (ins Comm_Reduction:$reduction, Comm_FloatTensor:$input,
                   StrArrayAttr:$axes);
  let results = (outs Comm_FloatTensor:$result);
  let assemblyFormat = [{
    $reduction $input `over` $axes attr-dict `:` type($input)
  }];
  let hasCanonicalizer = 1;
}

def Comm_AllGatherOp : Comm_DifferentiableOp<"all_gather"> {
  let summary = "the parts of all coordinates, one behind the other";
  let description = [{
    Each coordinate gets the operands of its group, joined along `dim` in the
    order of coordinates; of several axes the first counts slowest. Takes V(dim)
    to R, or with `invariant` to I.

    The two differ in their adjoints, so the choice is the program's: where the
    result meets values that vary, its cotangent is partial and is
    reduce-scattered (R); where all coordinates compute the same from it, its
    cotangent is whole, and each takes its part of it without communication
    (I).

    With `again` the result is no value that the backward keeps: the operand is,
    a part, and it is gathered once more where it is needed. Source: Korthikanti
    et al., "Reducing Activation Recomputation in Large Transformer Models",
    2022.

    Wire, a rank: `n - 1` times the operand. Source: Thakur, Rabenseifner,
    Gropp, "Optimization of Collective Communication Operations in MPICH", 2005.
  }] # constraints # [{
    - (C3) `dim` is a dimension of `input`.
    - (C4) `result` has the type of `input`, dimension `dim` times the size of
      the group.

    Example:

    ```mlir
    %y = comm.all_gather %x over ["tensor"] dim(1) : tensor<4x64x64xf32> -> tensor<4x128x64xf32>
    %z = comm.all_gather %x over ["tensor"] dim(1) invariant : tensor<4x64x64xf32> -> tensor<4x128x64xf32>
    %w = comm.all_gather %x over ["tensor"] dim(1) again : tensor<4x64x64xf32> -> tensor<4x128x64xf32>
    ```
  }];
  let arguments = (ins Comm_Tensor:$input, StrArrayAttr:$axes, I64Attr:$dim,
                   UnitAttr:$invariant, UnitAttr:$again);
  let results = (outs Comm_Tensor:$result);
  let assemblyFormat = [{
    $input `over` $axes `dim` `(` $dim `)` (`invariant` $invariant^)?
    (`again` $again^)? attr-dict `:` type($input) `->` type($result)
  }];
  let extraClassDeclaration = [{
    /// CostOpInterface.
    bool isMadeAgain() { return getAgain(); }
  }];
  let hasCanonicalizer = 1;
}

def Comm_ReduceScatterOp : Comm_DifferentiableOp<"reduce_scatter"> {
  let summary = "each coordinate its part of the sum";
  let description = [{
    Each coordinate gets its part, along `dim`, of the sum of the operands of
    its group: an all-reduce of which it keeps what is its own. Takes P to
    V(dim); the adjoint is `comm.all_gather`.

    Wire, a rank: `(n - 1) / n` of the operand. Source: as `comm.all_gather`.
  }] # constraints # [{
    - (C3) `dim` is a dimension of `input`.
    - (C4) The size of the group divides dimension `dim` of `input`; `result`
      has that part of it.

    Example:

    ```mlir
    %y = comm.reduce_scatter sum %x over ["tensor"] dim(1) : tensor<4x128x64xf32> -> tensor<4x64x64xf32>
    ```
  }];
  let arguments = (ins Comm_FloatTensor:$input, StrArrayAttr:$axes,
                   I64Attr:$dim);
  let results = (outs Comm_FloatTensor:$result);
  let assemblyFormat = [{
    `sum` $input `over` $axes `dim` `(` $dim `)` attr-dict
    `:` type($input) `->` type($result)
  }];
  let hasCanonicalizer = 1;
}

def Comm_AllToAllOp : Comm_DifferentiableOp<"all_to_all"> {
  let summary = "sharded along another dimension";
  let description = [{
    Each coordinate cuts its operand along `split` and sends part i to
    coordinate i; what it receives it joins along `concat`. Takes V(concat) to
    V(split); the adjoint goes back.

    Wire, a rank: `(n - 1) / n` of the operand. Source: as `comm.all_gather`.
  }] # constraints # [{
    - (C3) `split` and `concat` are dimensions of `input`, and differ.
    - (C4) The size of the group divides dimension `split` of `input`; `result`
      has that part of it, and dimension `concat` times that size.

    Example:

    ```mlir
    %y = comm.all_to_all %x over ["tensor"] split(2) concat(1) : tensor<4x64x8x32xf32> -> tensor<4x128x4x32xf32>
    ```
  }];
  let arguments = (ins Comm_Tensor:$input, StrArrayAttr:$axes, I64Attr:$split,
                   I64Attr:$concat);
  let results = (outs Comm_Tensor:$result);
  let assemblyFormat = [{
    $input `over` $axes `split` `(` $split `)` `concat` `(` $concat `)`
    attr-dict `:` type($input) `->` type($result)
  }];
  let hasCanonicalizer = 1;
}

def Comm_PermuteOp : Comm_DifferentiableOp<"permute",
    [SameOperandsAndResultType]> {
  let summary = "the operand of another coordinate";
  let description = [{
    Coordinate i sends its operand to coordinate `(i + by) mod n` of its group:
    a step of a ring. Takes V to V; as a whole tensor the result is the operand
    with its blocks rotated. The adjoint sends back.

    Wire, a rank: the operand.
  }] # constraints # [{
    - (C3) `by` is less than the size of the group, and greater than its
      negative.

    Example:

    ```mlir
    %y = comm.permute %x over ["tensor"] by(1) : tensor<4x64x8x32xf32>
    ```
  }];
  let arguments = (ins Comm_Tensor:$input, StrArrayAttr:$axes, I64Attr:$by);
  let results = (outs Comm_Tensor:$result);
  let assemblyFormat = [{
    $input `over` $axes `by` `(` $by `)` attr-dict `:` type($input)
  }];
  let hasCanonicalizer = 1;
}

//===----------------------------------------------------------------------===//
// Steps without communication
//===----------------------------------------------------------------------===//

def Comm_VaryOp : Comm_DifferentiableOp<"vary", [SameOperandsAndResultType],
    ["getBytesRead", "getBytesWritten"]> {
  let summary = "an invariant value for use beside varying ones";
  let description = [{
    The result is the operand. Takes I to R: from here on each coordinate's
    cotangent is a part of the whole, and the adjoint, an all-reduce, adds these
    up. JAX calls it `pvary`, Megatron's f is the same.

    Wire: nothing; the op is free to repeat.
  }] # constraints # [{
    Example:

    ```mlir
    %y = comm.vary %x over ["tensor"] : tensor<4x128x64xf32>
    ```
  }];
  let arguments = (ins Comm_Tensor:$input, StrArrayAttr:$axes);
  let results = (outs Comm_Tensor:$result);
  let assemblyFormat = "$input `over` $axes attr-dict `:` type($input)";
  let hasCanonicalizer = 1;
}

def Comm_SliceOp : Comm_DifferentiableOp<"slice", [], ["getBytesRead"]> {
  let summary = "each coordinate its part of an invariant value";
  let description = [{
    Coordinate i keeps part i of `input` along `dim`. Takes I to V(dim); the
    adjoint is `comm.all_gather ... invariant`. It is what closes the set: an
    invariant gather needs an adjoint. A step from R would have a partial
    cotangent, zeros around one's own part; a value that is R came from I by
    `comm.vary`, before which it can be sliced.

    Wire: nothing; the op is free to repeat.
  }] # constraints # [{
    - (C3) `dim` is a dimension of `input`.
    - (C4) The size of the group divides dimension `dim` of `input`; `result`
      has that part of it.

    Example:

    ```mlir
    %y = comm.slice %x over ["tensor"] dim(1) : tensor<4x128x64xf32> -> tensor<4x64x64xf32>
    ```
  }];
  let arguments = (ins Comm_Tensor:$input, StrArrayAttr:$axes, I64Attr:$dim);
  let results = (outs Comm_Tensor:$result);
  let assemblyFormat = [{
    $input `over` $axes `dim` `(` $dim `)` attr-dict
    `:` type($input) `->` type($result)
  }];
  let hasCanonicalizer = 1;
}

def Comm_IotaOp : Comm_CollectiveOp<"iota", [], []> {
  let summary = "indices of the whole tensor, each coordinate its part";
  let description = [{
    The element at index i along `dim` is `c s + i`, with c the coordinate in
    the group and s the size of the dimension: the number of that element in
    the whole tensor. Compared with ids it tells which of them are a
    coordinate's own: parallel vocabularies are written so. The result is
    V(dim).
  }] # constraints # [{
    - (C3) `dim` is a dimension of `result`.
    - (C4) The largest number fits the elements of `result`.

    Example:

    ```mlir
    %i = comm.iota over ["tensor"] dim(0) : tensor<64xi32>
    ```
  }];
  let arguments = (ins StrArrayAttr:$axes, I64Attr:$dim);
  let results = (outs Comm_IdTensor:$result);
  let assemblyFormat = [{
    `over` $axes `dim` `(` $dim `)` attr-dict `:` type($result)
  }];
}

def Comm_DetachOp : Op<Comm_Dialect, "detach", [Pure,
    SameOperandsAndResultType,
    DeclareOpInterfaceMethods<CostOpInterface,
      ["getBytesRead", "getBytesWritten"]>,
    DeclareOpInterfaceMethods<DifferentiableOpInterface>,
    DeclareOpInterfaceMethods<ShardableOpInterface>]> {
  let summary = "a value without its derivative";
  let description = [{
    The result is the operand; its cotangent goes no further. Takes I and R to
    `constant`, and leaves V and P as they are. It stands behind the maximum of
    a softmax over sharded classes, which cancels out of the result and of its
    derivative:
    `log sum exp x = m + log sum exp(x - m)` for every m.

    Example:

    ```mlir
    %y = comm.detach %x : tensor<4x128xf32>
    ```
  }];
  let arguments = (ins Comm_FloatTensor:$input);
  let results = (outs Comm_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input)";
}

#endif // PP_DIALECT_COMM_IR_COMMOPS_TD
