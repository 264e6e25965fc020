//===- NNRandomOps.td - Replayable dropout ---------------------*- tablegen -*-===//

#ifndef PP_DIALECT_NN_IR_NNRANDOMOPS_TD
#define PP_DIALECT_NN_IR_NNRANDOMOPS_TD

include "pp/Dialect/NN/IR/NNBase.td"
include "mlir/IR/SymbolInterfaces.td"

def NN_DropoutOp : NN_InferredDifferentiableOp<"dropout",
    [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "elements dropped at random, replayable";
  let description = [{
    Element e of `result`, counted in row-major order, is 0 with probability `p`,
    else `input / (1 - p)`. Whether it is dropped is a pure function of
    (`key`, `site`, e), the Philox4x32-10 generator, so that nothing
    is stored for the adjoint, which is the same op on the cotangent, and the
    recomputation of a layer drops the same elements. Source: Salmon et al.,
    "Parallel Random Numbers: As Easy as 1, 2, 3", 2011.

    `site` tells several dropouts of a layer apart. A model leaves `key` out:
    differentiation supplies it, from seed, step, micro-batch and layer. Under
    the key 0 nothing is dropped and `result` is `input`: so evaluations run.

    With `axes` and `dim` the operand is the coordinate's part of a tensor that
    is cut along `dim` over these axes of the mesh: of a group of n ranks,
    coordinate c has the elements from `c s` on, with s the size of the dimension
    in `input`, of `n s`. Elements are counted in the whole tensor, so what is
    dropped is the same on every mesh.

    Constraints:

    - (C1) `0 <= p < 1`, also in units of 2^-32, in which `p` is taken.
    - (C2) `site` is from 0 to 2^32 - 1.
    - (C3) `axes` and `dim` stand together. `axes` has at least one name; names
      are not empty and stand once.
    - (C4) Each of them is an axis of the mesh, in the order of the mesh.
    - (C5) `dim` is a dimension of `input`.
    - (C6) The whole tensor has at most 2^48 elements.

    Example:

    ```mlir
    %y = nn.dropout %x {p = 0.1, site = 0 : i64} : (tensor<4x128x256xf32>) -> tensor<4x128x256xf32>
    %z = nn.dropout %x key(%key) {p = 0.1, site = 0 : i64} : (tensor<4x128x256xf32>, i64) -> tensor<4x128x256xf32>
    ```

    On a mesh of 2 coordinates on the axis "tensor", the half of such a tensor
    that each of them has:

    ```mlir
    %w = nn.dropout %v key(%key) over ["tensor"] dim(1) {p = 0.1, site = 0 : i64} : (tensor<4x64x256xf32>, i64) -> tensor<4x64x256xf32>
    ```
  }];
  let extraClassDeclaration = [{
    /// ShardableOpInterface.
    void resizeToPart(::mlir::StringAttr axis, std::optional<int64_t> dim);
  }];
  let arguments = (ins NN_FloatTensor:$input, Optional<I64>:$key, F64Attr:$p,
                   I64Attr:$site, OptionalAttr<StrArrayAttr>:$axes,
                   OptionalAttr<I64Attr>:$dim);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = [{
    $input (`key` `(` $key^ `)`)? (`over` $axes^ `dim` `(` $dim `)`)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasFolder = 1;
  let hasVerifier = 1;
}

def NN_MixKeyOp : NN_Op<"mix_key"> {
  let summary = "a new dropout key from a key and a number";
  let description = [{
    `result = mix(key + (salt + 1) 0x9e3779b97f4a7c15)` with the finaliser
    `mix` of SplitMix64: a bijection of 64-bit numbers for each salt, so that
    the applies of one layer get keys of their own. The key 0, under which
    nothing is dropped, stays 0. Source: Steele, Lea, Flood,
    "Fast Splittable Pseudorandom Number Generators", 2014.

    Constraints:

    - (C1) `salt` is not negative.

    Example:

    ```mlir
    %k3 = nn.mix_key %key {salt = 3 : i64} : (i64) -> i64
    ```
  }];
  let arguments = (ins I64:$key, I64Attr:$salt);
  let extraClassDefinition = noFlops # NN_Linear<"{}">.rule;
  let results = (outs I64:$result);
  let assemblyFormat = [{
    $key attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // PP_DIALECT_NN_IR_NNRANDOMOPS_TD
