//===- ShardingPasses.td - How layers are shared among ranks ---*- tablegen -*-===//

#ifndef PP_DIALECT_PP_TRANSFORMS_SHARDINGPASSES_TD
#define PP_DIALECT_PP_TRANSFORMS_SHARDINGPASSES_TD

include "mlir/Pass/PassBase.td"

def PPShard : Pass<"pp-shard", "::mlir::ModuleOp"> {
  let summary = "chooses how layers are cut over the axis \"tensor\"";
  let description = [{
    For each distinct layer the cheapest way to share its work and its
    parameters among `tensors` coordinates. An op is computed whole on all of
    them, or cut along one of the loops of its rule (`ShardableOpInterface`), or
    on summands; between two ops that want a value in different distributions
    stands a collective. The cost is time (operations and bytes by the machine's
    rates, collectives by their bytes on the wire, forward and backward) and what
    is held: memory is why layers are cut, so a parameter that all coordinates
    hold is charged as if it were read 64 times. Within a layer the choice is
    exact (dynamic programming over ops). Values that go from layer to layer are
    cut alike wherever they have the same type, parameters that several layers
    use alike in all of them; of all such assignments the cheapest is taken, up
    to 4,096 by trying all, beyond by improving one after the other.

    Nothing else is known of models: that the first product of a pair is cut by
    columns, the second by rows, attention by heads, and norms and residuals
    between them along the sequence, comes out of the costs. `sequence` = `off`
    cuts no batch and no positions, and leaves values between layers whole; `on`
    cuts these wherever that can be.

    `sharding` of a `pp.param` pins it; `#pp.sharding<[{}, {} ]>` pins it whole.
    `sharding` of a `pp.apply` pins results, and with them all values of their
    types between layers, whatever `sequence` says. A pin that cannot be kept
    (parts that are not equal, two pins of one type that differ, data that come
    whole, blocks of a dimension that an op needs whole) is an error at its op.
    Some ops are rewritten first, so that they can be cut in more ways: biases
    come behind products, means become sums, and a cross entropy becomes a
    maximum, two sums over classes and what these make together (`nn.class_sums`),
    so that a vocabulary in parts never gathers its logits. Attention with fewer
    key heads than coordinates gets a key head for each of them, from weights that
    are repeated.

    A dimension is cut only where `tensors` divides it, but for the rows of a
    vocabulary: parts of these are all as large as the first, and the last ones
    reach into padding of zeros, which enters no sum and no file
    (`#pp.sharding<[{"tensor"} padded, {} ]>`). An op that cannot be cut is
    computed by all, with a warning where that is more than a quarter of the
    work; where nothing could be shared at all, that is an error that names the
    nearest number. An op without a rule is computed by all, with a
    remark.

    The layers stay whole. `pp.shard` on arguments and results and `pp.takes` on
    ops say what was chosen, for pp-partition-shards. A module with a `pp.mesh`
    has layers that are sharded already, and is left alone.

    Example, with `tensors=2 sequence=off`:

    ```mlir
    pp.layer @mlp(%x: tensor<64x32xf32>) params(%a: tensor<32x128xf32>, %b: tensor<128x32xf32>) -> tensor<64x32xf32> {
      %h = nn.linear %x, %a : (tensor<64x32xf32>, tensor<32x128xf32>) -> tensor<64x128xf32>
      %r = nn.relu %h : (tensor<64x128xf32>) -> tensor<64x128xf32>
      %y = nn.linear %r, %b : (tensor<64x128xf32>, tensor<128x32xf32>) -> tensor<64x32xf32>
      pp.yield %y : tensor<64x32xf32>
    }
    pp.layer @loss(%x: tensor<64x32xf32>) -> tensor<f32> {
      %y = nn.reduce_sum %x axes = [0, 1] : (tensor<64x32xf32>) -> tensor<f32>
      pp.yield %y : tensor<f32>
    }
    pp.model @m(%x: tensor<64x32xf32> {pp.data = "x"}) -> tensor<f32> {
      %a = pp.param "a" : tensor<32x128xf32> init(#nn.ones)
      %b = pp.param "b" : tensor<128x32xf32> init(#nn.ones)
      %y = pp.apply @mlp(%x) params(%a, %b) : (tensor<64x32xf32>) params(tensor<32x128xf32>, tensor<128x32xf32>) -> tensor<64x32xf32>
      %l = pp.apply @loss(%y) : (tensor<64x32xf32>) -> tensor<f32>
      pp.return %l : tensor<f32>
    }
    ```

    becomes

    ```mlir
    pp.layer @mlp(%x: tensor<64x32xf32>) params(%a: tensor<32x128xf32> {pp.shard = #comm.distribution<{"tensor" = varying(1)}>}, %b: tensor<128x32xf32> {pp.shard = #comm.distribution<{"tensor" = varying(0)}>}) -> tensor<64x32xf32> {
      %h = nn.linear %x, %a {pp.takes = [#comm.distribution<{"tensor" = replicated}>, #comm.distribution<{"tensor" = varying(1)}>]} : ...
      ...
    ```
  }];
  let options = [
    Option<"tensors", "tensors", "int64_t", "1",
      "coordinates on the axis; 1: nothing is cut">,
    Option<"sequence", "sequence", "std::string", "\"auto\"",
      "values between layers: auto (by cost), on (cut) or off (whole)">,
    Option<"again", "again", "bool", "true",
      "what is gathered for products will be gathered once more in the backward, which costs">,
    Option<"flops", "flops", "double", "1e11",
      "floating-point operations a second of one rank">,
    Option<"bandwidth", "bandwidth", "double", "2e10",
      "bytes a second between one rank and its memory">,
    Option<"transfer", "transfer", "double", "5e9",
      "bytes a second from one rank to another">
  ];
  let dependentDialects = ["::pp::comm::CommDialect", "::pp::nn::NNDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect"];
}

def PPPartitionShards : Pass<"pp-partition-shards", "::mlir::ModuleOp"> {
  let summary = "makes layers of one coordinate, with collectives";
  let description = [{
    What pp-shard has chosen becomes IR: the module gets its `pp.mesh`, types in
    layers become those of parts, and where an op takes a value in another
    distribution than it has, the collective that makes the step is inserted
    (docs/Comm.md), once for all ops that need it. Differentiation makes the
    collectives of the backward as their adjoints; `comm-verify-distribution`
    proves both. What is gathered is gathered `again` in the backward, so that a
    rank keeps its part only, but in layers that are recomputed anyway.

    Example, with `tensors=2`: a product whose inner dimension is cut.

    ```mlir
    pp.layer @loss(%x: tensor<64x32xf32>) params(%w: tensor<32xf32> {pp.shard = #comm.distribution<{"tensor" = varying(0)}>}) -> tensor<f32> {
      %m = nn.mul %x, %w {pp.takes = [#comm.distribution<{"tensor" = varying(1)}>, #comm.distribution<{"tensor" = varying(0)}>]} : (tensor<64x32xf32>, tensor<32xf32>) -> tensor<64x32xf32>
      %y = nn.reduce_sum %m axes = [0, 1] {pp.takes = [#comm.distribution<{"tensor" = varying(1)}>]} : (tensor<64x32xf32>) -> tensor<f32>
      pp.yield %y : tensor<f32>
    }
    pp.model @m(%x: tensor<64x32xf32> {pp.data = "x"}) -> tensor<f32> {
      %w = pp.param "w" : tensor<32xf32> sharding(#pp.sharding<[{"tensor"} ]>) init(#nn.ones)
      %l = pp.apply @loss(%x) params(%w) : (tensor<64x32xf32>) params(tensor<32xf32>) -> tensor<f32>
      pp.return %l : tensor<f32>
    }
    ```

    becomes

    ```mlir
    pp.mesh @mesh <["pipe" = 1, "data" = 1, "tensor" = 2]> replicas("data")
    pp.layer @loss(%x: tensor<64x32xf32>) params(%w: tensor<16xf32> {comm.distribution = #comm.distribution<{"tensor" = varying(0)}>}) -> tensor<f32> {
      %part = comm.slice %x over ["tensor"] dim(1) : tensor<64x32xf32> -> tensor<64x16xf32>
      %m = nn.mul %part, %w : (tensor<64x16xf32>, tensor<16xf32>) -> tensor<64x16xf32>
      %y = nn.reduce_sum %m axes = [0, 1] : (tensor<64x16xf32>) -> tensor<f32>
      %sum = comm.all_reduce sum %y over ["tensor"] : tensor<f32>
      pp.yield %sum : tensor<f32>
    }
    ...
    ```
  }];
  let options = [
    Option<"tensors", "tensors", "int64_t", "1",
      "coordinates on the axis \"tensor\"; 1: nothing is done">,
    Option<"again", "again", "bool", "true",
      "gather once more in the backward instead of keeping what was gathered">,
    Option<"order", "order", "std::string", "\"pipe,data,tensor\"",
      "axes of the mesh, the slowest first">
  ];
  let dependentDialects = ["::pp::comm::CommDialect", "::pp::nn::NNDialect",
                           "::mlir::arith::ArithDialect"];
}

#endif // PP_DIALECT_PP_TRANSFORMS_SHARDINGPASSES_TD
