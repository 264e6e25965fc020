//===- ShardableOpInterface.td - How an op may be cut ----------*- tablegen -*-===//

#ifndef PP_INTERFACES_SHARDABLEOPINTERFACE_TD
#define PP_INTERFACES_SHARDABLEOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def ShardableOpInterface : OpInterface<"ShardableOpInterface"> {
  let cppNamespace = "::pp";
  let description = [{
    An op that says how it may be cut into equal blocks, one a coordinate of an
    axis of the mesh. Its rule is an iteration space: loops, and for each
    dimension of each operand and result the loops that count it, the slowest
    first (a dimension that was merged from two has two, one that repeats has
    none). A loop is of one of these kinds:

    | kind | cut into blocks |
    |---|---|
    | `parallel` | every result has it; a block of the result is the op on blocks |
    | `sum` | results without it are sums over it: blocks give summands |
    | `max` | results without it are maxima over it: blocks give candidates |
    | `mean` | results without it are means over it: of a block they are the block's own |
    | `indexed` | every result has it, and the op counts its indices: a block of the result is the op on blocks, if it knows which blocks |
    | `whole` | cannot be cut: the op needs all of it, or counts its indices |

    A result that has a loop is cut with it, whatever the kind, unless that is
    `whole`.

    An op with `indexed` loops says of which part of a tensor it is: it names
    axes of the mesh, and a dimension, as in `over ["tensor"] dim(1)`. Its rule
    has these axes at the loop of that dimension. A whole op names none: to
    cut it along an `indexed` loop is to make it name the axis, which is what
    `resizeToPart` does. Whoever proves that a program is right reads the axes
    of the rule: the operands of an op are parts along an `indexed` loop on the
    axes that are named there, and on no other.

    `terms` say where the op is linear: the result is a sum of terms, each
    linear in each operand of its list; operands of no list are coefficients
    (`layer_norm` is linear in gamma and in beta, with the input as
    coefficient). A partial sum passes through an op if each term has exactly
    one factor that is partial and the rest are equal on all coordinates: it
    counts once where the others are summed.

    From a rule follow the distributions of results from those of operands
    (`comm-verify-distribution`), the types of blocks, and what a cut costs in
    collectives.

    Upstream's `shard::ShardingInterface` has the loops, maps and kinds of
    reductions of this interface, but no linearity, without which partial sums
    cannot be followed, and no loops whose indices count; it comes with methods
    that rewrite ops for that dialect's own grid. Shardy's `OpShardingRule` has
    the lists of factors a dimension.

    `arith` and `math` have rules by external models and by their elementwise
    trait. An op without a rule takes only operands that are alike, and
    invariant or replicated, on every axis.
  }];

  let methods = [
    InterfaceMethod<"The rule of the op with its operands as they are.",
      "::pp::ShardingRule", "getShardingRule">,
    InterfaceMethod<[{The rule of the op while it is whole, for who chooses how
      to cut it. It may let a loop be cut that the op counts: a part of the op
      then has to be given the numbers that it has of that loop
      (`getCountedLoop`, `setNumbers`), or the proof finds that it counts wrong.
      By default the op has the one rule.}],
      "std::optional<::pp::ShardingRule>", "getRuleOfWhole", (ins), [{}], [{
        return std::nullopt;
      }]>,
    InterfaceMethod<"The loop of which a part needs numbers, if there is one.",
      "std::optional<unsigned>", "getCountedLoop", (ins), [{}], [{
        return std::nullopt;
      }]>,
    InterfaceMethod<[{Gives a part of the op the numbers, a vector, that its
      indices of the counted loop have among the `count` of the whole.}],
      "void", "setNumbers", (ins "::mlir::Value":$numbers, "int64_t":$count),
      [{}], [{
        llvm_unreachable("the op counts no loop");
      }]>,
    InterfaceMethod<[{Attributes that say sizes, or of which part the op is,
      adapted: the op is a copy whose operands and results are parts by now.
      `axis` is cut, along dimension `dim` of the first result, or along none of
      it.}],
      "void", "resizeToPart",
      (ins "::mlir::StringAttr":$axis, "std::optional<int64_t>":$dim), [{}], [{
        return;
      }]>
  ];
}

#endif // PP_INTERFACES_SHARDABLEOPINTERFACE_TD
