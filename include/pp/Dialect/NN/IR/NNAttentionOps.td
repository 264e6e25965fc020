//===- NNAttentionOps.td - Attention and positions -------------*- tablegen -*-===//

#ifndef PP_DIALECT_NN_IR_NNATTENTIONOPS_TD
#define PP_DIALECT_NN_IR_NNATTENTIONOPS_TD

include "pp/Dialect/NN/IR/NNAttributes.td"
include "pp/Dialect/NN/IR/NNBase.td"

def NN_DocumentTensor : NN_TensorOf<[I32], "ranked tensor of i32">;

// The shapes of attention, the same for the op and its adjoint.
class NN_AttentionBase<string mnemonic, list<Trait> traits = []>
    : NN_InferredOp<mnemonic, traits> {
  code constraints = [{

    Constraints:

    - (C1) `query`, `key` and `value` have four dimensions.
    - (C2) All of them have the same element type.
    - (C3) `key` and `value` have the same type.
    - (C4) `query` and `key` agree in the batch and in the size of a head.
    - (C5) The number of key heads divides the number of query heads.
    - (C6) With `causal`, there are at least as many keys as queries: otherwise
      a query would see nothing.
    - (C7) `scale` is finite, also in f32 where the op computes in it.
    - (C8) `documents` has the dimensions [B,S], and there are as many queries as
      keys: both are the positions of one sequence.
  }];
  code attentionDeclaration = [{
    /// `scale`, or its default 1 / sqrt(D).
    double getEffectiveScale();
    int64_t getBatch() { return getQuery().getType().getDimSize(0); }
    /// T: positions of queries.
    int64_t getQueryLength() { return getQuery().getType().getDimSize(1); }
    /// S: positions of keys and values.
    int64_t getKeyLength() { return getKey().getType().getDimSize(1); }
    /// H: query heads.
    int64_t getHeads() { return getQuery().getType().getDimSize(2); }
    /// Hkv: key and value heads.
    int64_t getKeyHeads() { return getKey().getType().getDimSize(2); }
    /// D: numbers in a head.
    int64_t getHeadSize() { return getQuery().getType().getDimSize(3); }
    /// Pairs of a query and a key that it sees, of one batch entry and head.
    uint64_t getVisiblePairs();
  }];
  let extraClassDeclaration = attentionDeclaration;
}

def NN_AttentionOp : NN_AttentionBase<"attention",
    [DeclareOpInterfaceMethods<DifferentiableOpInterface>]> {
  let summary = "scaled dot-product attention";
  let description = [{
    For each batch entry b and head h, with `query[B,T,H,D]`, `key[B,S,Hkv,D]`,
    `value[B,S,Hkv,D]` and g = h / (H / Hkv), the key head that h shares
    (grouped-query attention; Hkv = H is multi-head, Hkv = 1 multi-query):

    `s[t, j] = scale sum_d query[b,t,h,d] key[b,j,g,d]`,
    `lse[b,h,t] = log sum_j exp s[t, j]`,
    `result[b,t,h,d] = sum_j exp(s[t, j] - lse[b,h,t]) value[b,j,g,d]`.

    `scale` is 1 / sqrt(D) if left out. With `causal` the ends are aligned:
    query t sees the keys `j <= t + S - T`, so that T new positions continue a
    sequence of S. With `documents[B,S]` a query sees only keys of its own
    document: key j where also `documents[b, t] = documents[b, j]`, so that
    several documents lie in one sequence and none reads another. `lse` is what the adjoint needs to compute the
    probabilities again instead of storing T times S of them. Source: Dao et al.,
    "FlashAttention: Fast and Memory-Efficient Exact Attention with
    IO-Awareness", 2022.
  }] # constraints # [{
    Example:

    ```mlir
    %y, %lse = nn.attention %q, %k, %v {causal} : (tensor<4x128x8x32xf32>, tensor<4x128x2x32xf32>, tensor<4x128x2x32xf32>) -> (tensor<4x128x8x32xf32>, tensor<4x8x128xf32>)
    %z, %lse1 = nn.attention %q, %k, %v documents(%d) {causal} : (tensor<4x128x8x32xf32>, tensor<4x128x2x32xf32>, tensor<4x128x2x32xf32>, tensor<4x128xi32>) -> (tensor<4x128x8x32xf32>, tensor<4x8x128xf32>)
    ```
  }];
  let arguments = (ins NN_FloatTensor:$query, NN_FloatTensor:$key,
                   NN_FloatTensor:$value, Optional<NN_DocumentTensor>:$documents,
                   UnitAttr:$causal, OptionalAttr<F64Attr>:$scale);
  let results = (outs NN_FloatTensor:$result, NN_FloatTensor:$lse);
  let assemblyFormat = [{
    $query `,` $key `,` $value (`documents` `(` $documents^ `)`)? attr-dict `:`
    functional-type(operands, results)
  }];
}

def NN_AttentionGradOp : NN_AttentionBase<"attention_grad"> {
  let summary = "adjoint of attention";
  let description = [{
    With `p[t, j] = exp(s[t, j] - lse[t])` and
    `delta[t] = sum_d out[t, d] dout[t, d]`:
    `dvalue[j] = sum_t p[t, j] dout[t]`,
    `ds[t, j] = p[t, j] (dout[t] . value[j] - delta[t])`,
    `dquery[t] = scale sum_j ds[t, j] key[j]`,
    `dkey[j] = scale sum_t ds[t, j] query[t]`; `dkey` and `dvalue` also sum
    over the query heads that share a key head. Pairs that do not see each other
    have no part in it. Source: as `nn.attention`.
  }] # constraints # [{
    - (C9) `out` and `dout` have the type of `query`.
    - (C10) `lse` has the dimensions [B,H,T].

    Example:

    ```mlir
    %dq, %dk, %dv = nn.attention_grad %q, %k, %v, %y, %lse, %dy {causal} : (tensor<4x128x8x32xf32>, tensor<4x128x2x32xf32>, tensor<4x128x2x32xf32>, tensor<4x128x8x32xf32>, tensor<4x8x128xf32>, tensor<4x128x8x32xf32>) -> (tensor<4x128x8x32xf32>, tensor<4x128x2x32xf32>, tensor<4x128x2x32xf32>)
    ```
  }];
  let arguments = (ins NN_FloatTensor:$query, NN_FloatTensor:$key,
                   NN_FloatTensor:$value, NN_FloatTensor:$out,
                   NN_FloatTensor:$lse, NN_FloatTensor:$dout,
                   Optional<NN_DocumentTensor>:$documents, UnitAttr:$causal,
                   OptionalAttr<F64Attr>:$scale);
  let results = (outs NN_FloatTensor:$dquery, NN_FloatTensor:$dkey,
                 NN_FloatTensor:$dvalue);
  let assemblyFormat = [{
    $query `,` $key `,` $value `,` $out `,` $lse `,` $dout
    (`documents` `(` $documents^ `)`)? attr-dict `:`
    functional-type(operands, results)
  }];
}

def NN_RotaryOp : NN_InferredDifferentiableOp<"rotary"> {
  let summary = "rotary position embedding";
  let description = [{
    Turns pairs of numbers of a head by an angle that grows with the position:
    with `input[B,T,H,D]` and i < D / 2, the pair number i at position t turns by
    `t base^(-2 i / D)`:
    `(a, b) -> (a cos - b sin, a sin + b cos)`. The pair is the elements i and
    i + D / 2 (GPT-NeoX, Llama), or with `interleaved` 2 i and 2 i + 1 (the paper,
    GPT-J). `scaling` puts other frequencies in the place of `base^(-2 i / D)`.
    `inverse` turns back: the adjoint. Source: Su et al., "RoFormer:
    Enhanced Transformer with Rotary Position Embedding", 2021.

    Constraints:

    - (C1) `input` has four dimensions.
    - (C2) The last dimension is even.
    - (C3) `base` is finite and positive, also in f32 where the op computes in
      it, and so is its reciprocal.
    - (C4) T D / 2 is at most 2^24: the angles are a table in the program.

    Example:

    ```mlir
    %y = nn.rotary %x {base = 10000.0} : (tensor<4x128x8x32xf32>) -> tensor<4x128x8x32xf32>
    %z = nn.rotary %x {base = 500000.0, scaling = #nn.rotary_scaling<factor = 8.0, low = 1.0, high = 4.0, original = 8192.0>} : (tensor<4x128x8x32xf32>) -> tensor<4x128x8x32xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$input,
                   DefaultValuedAttr<F64Attr, "10000.0">:$base,
                   OptionalAttr<NN_RotaryScalingAttr>:$scaling,
                   UnitAttr:$interleaved, UnitAttr:$inverse);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = [{
    $input attr-dict `:` functional-type(operands, results)
  }];
}

#endif // PP_DIALECT_NN_IR_NNATTENTIONOPS_TD
