// RUN: pp-opt %s -pp-shard=tensors=2 -split-input-file -verify-diagnostics -o /dev/null
// RUN: echo "module {}" | not pp-opt -pp-shard=tensors=0 2>&1 | FileCheck %s --check-prefix=SIZE
// RUN: echo "module {}" | not pp-opt -pp-partition-shards=tensors=0 2>&1 | FileCheck %s --check-prefix=SIZE
// RUN: echo "module {}" | not pp-opt -pp-shard="tensors=2 sequence=maybe" 2>&1 | FileCheck %s --check-prefix=SEQUENCE

// SIZE: error: found tensors=0, expected 1 to 65536
// SEQUENCE: error: found sequence=maybe, expected auto, on or off

// A pin over another axis.
pp.layer @f(%x: tensor<4x8xf32>) params(%w: tensor<8x8xf32>) -> tensor<4x8xf32> {
  %y = nn.linear %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  pp.yield %y : tensor<4x8xf32>
}
pp.layer @loss(%x: tensor<4x8xf32>) -> tensor<f32> {
  %l = nn.reduce_sum %x axes = [0, 1] : (tensor<4x8xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @m(%x: tensor<4x8xf32> {pp.data = "x"}) -> tensor<f32> {
  // expected-error @+1 {{'pp.param' op found a sharding over axis "expert", expected "tensor", over which layers are sharded: correct it, or write the layers of coordinates, and pp.mesh, by hand}}
  %w = pp.param "w" : tensor<8x8xf32> sharding(#pp.sharding<[{"expert"}, {}]>) init(#nn.ones)
  %y = pp.apply @f(%x) params(%w) : (tensor<4x8xf32>) params(tensor<8x8xf32>) -> tensor<4x8xf32>
  %l = pp.apply @loss(%y) : (tensor<4x8xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

// Pins that do not divide, whole and in blocks.
pp.layer @f(%x: tensor<4x9xf32>) params(%w: tensor<9x9xf32>) -> tensor<4x9xf32> {
  %y = nn.linear %x, %w : (tensor<4x9xf32>, tensor<9x9xf32>) -> tensor<4x9xf32>
  pp.yield %y : tensor<4x9xf32>
}
pp.layer @loss(%x: tensor<4x9xf32>) -> tensor<f32> {
  %l = nn.reduce_sum %x axes = [0, 1] : (tensor<4x9xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @m(%x: tensor<4x9xf32> {pp.data = "x"}) -> tensor<f32> {
  // expected-error @+1 {{'pp.param' op found dimension 0 of 'tensor<9x9xf32>' pinned in 2 parts, expected a multiple of 2}}
  %w = pp.param "w" : tensor<9x9xf32> sharding(#pp.sharding<[{"tensor"}, {}]>) init(#nn.ones)
  %y = pp.apply @f(%x) params(%w) : (tensor<4x9xf32>) params(tensor<9x9xf32>) -> tensor<4x9xf32>
  %l = pp.apply @loss(%y) : (tensor<4x9xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

pp.layer @f(%x: tensor<4x9xf32>) params(%w: tensor<9x9xf32>) -> tensor<4x9xf32> {
  %y = nn.linear %x, %w : (tensor<4x9xf32>, tensor<9x9xf32>) -> tensor<4x9xf32>
  pp.yield %y : tensor<4x9xf32>
}
pp.layer @loss(%x: tensor<4x9xf32>) -> tensor<f32> {
  %l = nn.reduce_sum %x axes = [0, 1] : (tensor<4x9xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @m(%x: tensor<4x9xf32> {pp.data = "x"}) -> tensor<f32> {
  // expected-error @+1 {{'pp.param' op found dimension 1 of 'tensor<9x9xf32>' pinned in 2 parts of each block, expected a multiple of 6}}
  %w = pp.param "w" : tensor<9x9xf32> sharding(#pp.sharding<[{}, {"tensor"} blocks(3)]>) init(#nn.ones)
  %y = pp.apply @f(%x) params(%w) : (tensor<4x9xf32>) params(tensor<9x9xf32>) -> tensor<4x9xf32>
  %l = pp.apply @loss(%y) : (tensor<4x9xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

// Two pins of what one layer takes.
pp.layer @f(%x: tensor<4x8xf32>) params(%w: tensor<8x8xf32>) -> tensor<4x8xf32> {
  %y = nn.linear %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  pp.yield %y : tensor<4x8xf32>
}
pp.layer @loss(%x: tensor<4x8xf32>) -> tensor<f32> {
  %l = nn.reduce_sum %x axes = [0, 1] : (tensor<4x8xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @m(%x: tensor<4x8xf32> {pp.data = "x"}) -> tensor<f32> {
  // expected-note @+1 {{the other one is here}}
  %v = pp.param "v" : tensor<8x8xf32> sharding(#pp.sharding<[{"tensor"}, {}]>) init(#nn.ones)
  // expected-error @+1 {{'pp.param' op found it pinned varying(1), expected varying(0) as another parameter of the same argument of a layer: pin them alike, or write the layer twice}}
  %w = pp.param "w" : tensor<8x8xf32> sharding(#pp.sharding<[{}, {"tensor"}]>) init(#nn.ones)
  %y = pp.apply @f(%x) params(%v) : (tensor<4x8xf32>) params(tensor<8x8xf32>) -> tensor<4x8xf32>
  %z = pp.apply @f(%y) params(%w) : (tensor<4x8xf32>) params(tensor<8x8xf32>) -> tensor<4x8xf32>
  %l = pp.apply @loss(%z) : (tensor<4x8xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

// Nothing is even.
pp.layer @f(%x: tensor<5x9xf32>) params(%w: tensor<9x9xf32>) -> tensor<f32> {
  %y = nn.linear %x, %w : (tensor<5x9xf32>, tensor<9x9xf32>) -> tensor<5x9xf32>
  %l = nn.reduce_sum %y axes = [0, 1] : (tensor<5x9xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
// expected-error @+1 {{'pp.model' op found nothing that 2 coordinates on axis "tensor" could share, as 2 divides none of what may be cut (heads, widths, positions), expected another number: the nearest that divides some is 1}}
pp.model @m(%x: tensor<5x9xf32> {pp.data = "x"}) -> tensor<f32> {
  %w = pp.param "w" : tensor<9x9xf32> init(#nn.ones)
  %l = pp.apply @f(%x) params(%w) : (tensor<5x9xf32>) params(tensor<9x9xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

// Pinned in blocks that nothing takes.
pp.layer @f(%x: tensor<5x12xf32>) params(%w: tensor<12xf32>) -> tensor<f32> {
  %y = nn.rms_norm %x, %w : (tensor<5x12xf32>, tensor<12xf32>) -> tensor<5x12xf32>
  %l = nn.reduce_sum %y axes = [0, 1] : (tensor<5x12xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
// expected-error @+1 {{'pp.model' op found no way to cut its layers over axis "tensor" with what is pinned, expected one: pin less}}
pp.model @m(%x: tensor<5x12xf32> {pp.data = "x"}) -> tensor<f32> {
  %w = pp.param "w" : tensor<12xf32> sharding(#pp.sharding<[{"tensor"} blocks(3)]>) init(#nn.ones)
  %l = pp.apply @f(%x) params(%w) : (tensor<5x12xf32>) params(tensor<12xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

// An op without a rule.
pp.layer @f(%x: tensor<64x64xf32>) params(%w: tensor<64x64xf32>) -> tensor<f32> {
  %y = nn.linear %x, %w : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  // expected-remark @+1 {{found no sharding rule, so every coordinate of "tensor" computes all of it: implement ShardableOpInterface}}
  %f = tensor.collapse_shape %y [[0, 1]] : tensor<64x64xf32> into tensor<4096xf32>
  %l = nn.reduce_sum %f axes = [0] : (tensor<4096xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @m(%x: tensor<64x64xf32> {pp.data = "x"}) -> tensor<f32> {
  %w = pp.param "w" : tensor<64x64xf32> init(#nn.ones)
  %l = pp.apply @f(%x) params(%w) : (tensor<64x64xf32>) params(tensor<64x64xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

// An op with regions.
pp.layer @f(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error @+1 {{'tensor.generate' op found regions in a layer, expected an op without: a layer is a list of ops on tensors}}
  %y = tensor.generate {
  ^bb0(%i: index, %j: index):
    %c = arith.constant 1.0 : f32
    tensor.yield %c : f32
  } : tensor<4x8xf32>
  pp.yield %y : tensor<4x8xf32>
}
pp.layer @loss(%x: tensor<4x8xf32>) -> tensor<f32> {
  %l = nn.reduce_sum %x axes = [0, 1] : (tensor<4x8xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @m(%x: tensor<4x8xf32> {pp.data = "x"}) -> tensor<f32> {
  %y = pp.apply @f(%x) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %l = pp.apply @loss(%y) : (tensor<4x8xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

// A pin of a result over another axis.
pp.layer @hold() params(%w: tensor<4x9xf32>) -> tensor<4x9xf32> {
  pp.yield %w : tensor<4x9xf32>
}
pp.layer @f(%x: tensor<4x9xf32>) params(%w: tensor<9x9xf32>) -> tensor<4x9xf32> {
  %y = nn.linear %x, %w : (tensor<4x9xf32>, tensor<9x9xf32>) -> tensor<4x9xf32>
  pp.yield %y : tensor<4x9xf32>
}
pp.layer @loss(%x: tensor<4x9xf32>) -> tensor<f32> {
  %l = nn.reduce_sum %x axes = [0, 1] : (tensor<4x9xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @m(%d: tensor<4xi32> {pp.data = "d"}) -> tensor<f32> {
  %v = pp.param "v" : tensor<4x9xf32> init(#nn.ones)
  %w = pp.param "w" : tensor<9x9xf32> init(#nn.ones)
  %x = pp.apply @hold() params(%v) : () params(tensor<4x9xf32>) -> tensor<4x9xf32>
  // expected-error @+1 {{'pp.apply' op found a sharding over axis "expert", expected "tensor", over which layers are sharded: correct it, or write the layers of coordinates, and pp.mesh, by hand}}
  %y = pp.apply @f(%x) params(%w) sharding(#pp.sharding<[{"expert"}, {}]>) : (tensor<4x9xf32>) params(tensor<9x9xf32>) -> tensor<4x9xf32>
  %l = pp.apply @loss(%y) : (tensor<4x9xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

// A pin of a result that does not divide.
pp.layer @hold() params(%w: tensor<4x9xf32>) -> tensor<4x9xf32> {
  pp.yield %w : tensor<4x9xf32>
}
pp.layer @f(%x: tensor<4x9xf32>) params(%w: tensor<9x9xf32>) -> tensor<4x9xf32> {
  %y = nn.linear %x, %w : (tensor<4x9xf32>, tensor<9x9xf32>) -> tensor<4x9xf32>
  pp.yield %y : tensor<4x9xf32>
}
pp.layer @loss(%x: tensor<4x9xf32>) -> tensor<f32> {
  %l = nn.reduce_sum %x axes = [0, 1] : (tensor<4x9xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @m(%d: tensor<4xi32> {pp.data = "d"}) -> tensor<f32> {
  %v = pp.param "v" : tensor<4x9xf32> init(#nn.ones)
  %w = pp.param "w" : tensor<9x9xf32> init(#nn.ones)
  %x = pp.apply @hold() params(%v) : () params(tensor<4x9xf32>) -> tensor<4x9xf32>
  // expected-error @+1 {{'pp.apply' op found dimension 1 of 'tensor<4x9xf32>' pinned in 2 parts, expected a multiple of 2}}
  %y = pp.apply @f(%x) params(%w) sharding(#pp.sharding<[{}, {"tensor"}]>) : (tensor<4x9xf32>) params(tensor<9x9xf32>) -> tensor<4x9xf32>
  %l = pp.apply @loss(%y) : (tensor<4x9xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

// Two pins of one type.
pp.layer @hold() params(%w: tensor<4x9xf32>) -> tensor<4x9xf32> {
  pp.yield %w : tensor<4x9xf32>
}
pp.layer @f(%x: tensor<4x9xf32>) params(%w: tensor<9x9xf32>) -> tensor<4x9xf32> {
  %y = nn.linear %x, %w : (tensor<4x9xf32>, tensor<9x9xf32>) -> tensor<4x9xf32>
  pp.yield %y : tensor<4x9xf32>
}
pp.layer @loss(%x: tensor<4x9xf32>) -> tensor<f32> {
  %l = nn.reduce_sum %x axes = [0, 1] : (tensor<4x9xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @m(%d: tensor<4xi32> {pp.data = "d"}) -> tensor<f32> {
  %v = pp.param "v" : tensor<4x9xf32> init(#nn.ones)
  %w = pp.param "w" : tensor<9x9xf32> init(#nn.ones)
  // expected-note @+1 {{the other one is here}}
  %x = pp.apply @hold() params(%v) sharding(#pp.sharding<[{"tensor"}, {}]>) : () params(tensor<4x9xf32>) -> tensor<4x9xf32>
  // expected-error @+1 {{'pp.apply' op found result #0 pinned invariant, expected varying(0) as another result of the same type: values of one type are cut alike between layers; pin them alike, or leave one of them open}}
  %y = pp.apply @f(%x) params(%w) sharding(#pp.sharding<[{}, {}]>) : (tensor<4x9xf32>) params(tensor<9x9xf32>) -> tensor<4x9xf32>
  %l = pp.apply @loss(%y) : (tensor<4x9xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

// In blocks, of a dimension that an op needs whole: a collective moves one block.
pp.layer @hold() params(%w: tensor<4x9xf32>) -> tensor<4x9xf32> {
  pp.yield %w : tensor<4x9xf32>
}
pp.layer @f(%x: tensor<4x9xf32>) params(%w: tensor<9x9xf32>) -> tensor<4x9xf32> {
  %p = nn.linear %x, %w : (tensor<4x9xf32>, tensor<9x9xf32>) -> tensor<4x9xf32>
  %y = nn.softmax %p {axis = 0 : i64} : (tensor<4x9xf32>) -> tensor<4x9xf32>
  pp.yield %y : tensor<4x9xf32>
}
pp.layer @loss(%x: tensor<4x9xf32>) -> tensor<f32> {
  %l = nn.reduce_sum %x axes = [0, 1] : (tensor<4x9xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @m(%d: tensor<4xi32> {pp.data = "d"}) -> tensor<f32> {
  %v = pp.param "v" : tensor<4x9xf32> init(#nn.ones)
  %w = pp.param "w" : tensor<9x9xf32> init(#nn.ones)
  %x = pp.apply @hold() params(%v) : () params(tensor<4x9xf32>) -> tensor<4x9xf32>
  // expected-error @+1 {{'pp.apply' op found result #0 pinned varying(0, 2), with which a layer that makes or takes it has no sharding, expected #pp.sharding<[{"tensor"}, {}]>, the cheapest with which all have one: pin it so, or leave it open}}
  %y = pp.apply @f(%x) params(%w) sharding(#pp.sharding<[{"tensor"} blocks(2), {}]>) : (tensor<4x9xf32>) params(tensor<9x9xf32>) -> tensor<4x9xf32>
  %l = pp.apply @loss(%y) : (tensor<4x9xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

// Data come whole.
pp.layer @f(%x: tensor<4x9xf32>) params(%w: tensor<9x9xf32>) -> tensor<4x9xf32> {
  %y = nn.linear %x, %w : (tensor<4x9xf32>, tensor<9x9xf32>) -> tensor<4x9xf32>
  pp.yield %y : tensor<4x9xf32>
}
pp.layer @loss(%x: tensor<4x9xf32>) -> tensor<f32> {
  %l = nn.reduce_sum %x axes = [0, 1] : (tensor<4x9xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @m(%x: tensor<4x9xf32> {pp.data = "x"}) -> tensor<f32> {
  %w = pp.param "w" : tensor<9x9xf32> init(#nn.ones)
  // expected-note @+1 {{the data are taken here}}
  %y = pp.apply @f(%x) params(%w) : (tensor<4x9xf32>) params(tensor<9x9xf32>) -> tensor<4x9xf32>
  // expected-error @+1 {{'pp.apply' op found result #0 pinned varying(0), expected #pp.sharding<[{}, {}]>, as data have the same type, which come whole: pin it so, or have the layer give another type}}
  %z = pp.apply @f(%y) params(%w) sharding(#pp.sharding<[{"tensor"}, {}]>) : (tensor<4x9xf32>) params(tensor<9x9xf32>) -> tensor<4x9xf32>
  %l = pp.apply @loss(%z) : (tensor<4x9xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}
