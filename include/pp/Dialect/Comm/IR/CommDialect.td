//===- CommDialect.td - The comm dialect -----------------------*- tablegen -*-===//

#ifndef PP_DIALECT_COMM_IR_COMMDIALECT_TD
#define PP_DIALECT_COMM_IR_COMMDIALECT_TD

include "mlir/IR/OpBase.td"

def Comm_Dialect : Dialect {
  let name = "comm";
  let cppNamespace = "::pp::comm";
  let summary = "collectives, and how tensors are distributed over a mesh";
  let description = [{
    A layer that runs on several ranks is one function, which every coordinate
    of the mesh runs on tensors of its own (SPMD). Collectives are pure ops
    between its other ops: differentiation, the split of the backward,
    fusion and common subexpressions treat them as any op. Axes are named, not
    numbered; their sizes are those of the module's mesh (`pp.mesh`).

    **Distributions.** On each axis of the mesh a value has one of these
    distributions, and its cotangent has the one beside it:

    | distribution | the tensors of the coordinates | the value | cotangent |
    |---|---|---|---|
    | `invariant` (I) | are equal | any of them | `invariant`: whole everywhere |
    | `replicated` (R) | are equal | any of them | `partial` |
    | `varying(d)` (V) | are parts of dimension d, in order | all, one behind the other along d | `varying(d)` |
    | `varying(d, b)` | are parts of each of the b blocks of dimension d | the blocks, each of its parts | `varying(d, b)` |
    | `varying` | are each coordinate's own | none | `varying` |
    | `partial` (P) | are summands | their sum | `replicated` |
    | `partial(max)` | are candidates | their maximum | none |
    | `constant` (C) | are equal | any of them | none flows back |

    An axis of which nothing is said is `invariant`. Integers have no cotangent:
    what is equal everywhere is `constant` among them.

    The step from I to R is the one that is forgotten: a norm's weight that is
    used on parts of a sequence has a gradient on each coordinate, and the sum
    of these is the gradient. `comm.vary` makes that step. It moves nothing; its
    adjoint is the all-reduce. An invariant value that meets one which is not is
    therefore an error.

    What repeats along a dimension, a broadcast or a constant, is part of a
    larger tensor that repeats. Where it meets parts, or an op on a part, it is
    one of them; where nothing beside it says so, `comm.distribution` on the op that makes it does
    (differentiation sets it on the cotangents of sums).
    The types of a coordinate do not always tell which dimension of a view is
    cut: parts of size 1 may be of one as of the one before. Such a value is read
    as what the ops behind it take; the same attribute says it where that is not
    the likeliest.

    **Collectives** are steps between distributions, and close under adjoints:

    | op | from | to | adjoint |
    |---|---|---|---|
    | `comm.all_reduce sum` | P | I | `comm.vary` |
    | `comm.vary` | I | R | `comm.all_reduce sum` |
    | `comm.all_gather` | V(d) | R | `comm.reduce_scatter` |
    | `comm.reduce_scatter` | P | V(d) | `comm.all_gather` |
    | `comm.all_gather ... invariant` | V(d) | I | `comm.slice` |
    | `comm.slice` | I | V(d) | `comm.all_gather ... invariant` |
    | `comm.all_to_all` | V(b) | V(a) | `comm.all_to_all` |
    | `comm.permute` | V | V | `comm.permute` |
    | `comm.all_reduce max` | partial(max) | I | none: see `comm.detach` |
    | `comm.iota` | | V(d) | integers |

    **All other ops** state a rule by `ShardableOpInterface` (docs/Interfaces.md).
    By these rules `comm-verify-distribution` proves the results of functions
    from their arguments. Read on whole tensors, with collectives left out, a
    function that is proven is the function of one device, and each of its
    gradients has met the reductions that it needs: none is missing, none
    happens twice. It goes on to what holds functions together: models, plans and
    programs of `pp`, in which `pp.start` makes the steps of `comm.all_reduce sum`
    (P to I), `comm.reduce_scatter` (P to V(0)) and an invariant
    `comm.all_gather` (V(0) to I).

    | op | dimensions that may be cut | partial where cut | linear in |
    |---|---|---|---|
    | elementwise ops of `nn`, `arith`, `math` | all that do not repeat | | `add`, `sub`, `select`: both values; `mul`: each; `div`: dividend; `neg`, `cast`, `broadcast`, `detach`: operand; gradients: `dy` |
    | `linear` | rows, inner, outer | inner (the bias then is partial too) | input, weight; bias |
    | `matmul` | batch, m, n, inner | inner (`init` then is partial too) | lhs, rhs; init |
    | `embedding` | positions, columns; rows with their numbers | rows | table |
    | `embedding_grad` | positions, columns; rows with their numbers | positions | `dy`; init |
    | `layer_norm`, `rms_norm` | rows | | gamma; beta |
    | `*_norm_grad_input` | rows | | gamma, `dy` |
    | `*_norm_grad_scale` | rows | rows | `dy`; init |
    | `reduce_sum` | all | `axes` | input; init |
    | `reduce_mean` | all; along `axes` the mean is a coordinate's own | | input |
    | `reduce_max` | all | partial(max): `axes` | |
    | `softmax` | all but `axis` | | |
    | `cross_entropy` | positions; the loss is a coordinate's own | | |
    | `cross_entropy_grad` | positions | | `dloss` |
    | `class_max` | positions; classes with their numbers | partial(max): classes | |
    | `class_sums` | positions; classes with their numbers | classes | |
    | `class_sums_grad` | positions; classes with their numbers | | `dsum`; `dlogit` |
    | `attention` | batch, heads by key heads, or all that share one key head; without `causal` queries | | |
    | `attention_grad` | as `attention` | keys and values: shared heads, queries | `dout` |
    | `rotary` | batch, heads | | input |
    | `dropout` | one, that of its `over`: elements are counted | | input |
    | `reshape` | all, by the loops that both shapes share | | input |
    | `transpose` | all | | input |
    | `slice`, `pad`, `split`, `concatenate` | those that stay as they are; of equal pieces also what is in each | | operands |
    | `mix_key` | scalars | | |

    An op that counts elements, as `dropout` does, computes another thing on a
    part than on a whole tensor. It says of which part it is, by the axes and
    the dimension (`over ["tensor"] dim(1)`), and the proof holds it to that.

    Upstream's `shard` dialect was considered. Its collectives number axes and
    take the grid by symbol; they know no invariant values, so that an adjoint
    of an all-reduce cannot be told from another, and carry no cost. The form of
    its rules (loops, maps, kinds of reductions) is taken over by
    `ShardableOpInterface`.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
    /// The name of the attribute of arguments and results of functions, and of
    /// ops whose result repeats along a dimension.
    static constexpr ::llvm::StringLiteral getDistributionName() {
      return "comm.distribution";
    }
  }];
}

#endif // PP_DIALECT_COMM_IR_COMMDIALECT_TD
