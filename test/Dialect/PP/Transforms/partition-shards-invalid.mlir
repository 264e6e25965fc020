// RUN: pp-opt %s -pp-partition-shards=tensors=2 -split-input-file -verify-diagnostics -o /dev/null

pp.layer @f(%x: tensor<4x8xf32>) -> tensor<f32> {
  // expected-error @+1 {{'nn.relu' op found no pp.takes for each operand, expected those of pp-shard: run it first}}
  %y = nn.relu %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %l = nn.reduce_sum %y axes = [0, 1] : (tensor<4x8xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @m(%x: tensor<4x8xf32> {pp.data = "x"}) -> tensor<f32> {
  %l = pp.apply @f(%x) : (tensor<4x8xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

// One of two operands.
pp.layer @f(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error @+1 {{'nn.add' op found no pp.takes for each operand, expected those of pp-shard: run it first}}
  %y = nn.add %x, %x {pp.takes = [#comm.distribution<{}>]} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  pp.yield %y : tensor<4x8xf32>
}
pp.layer @loss(%x: tensor<4x8xf32>) -> tensor<f32> {
  %l = arith.constant dense<0.0> : tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @m(%x: tensor<4x8xf32> {pp.data = "x"}) -> tensor<f32> {
  %y = pp.apply @f(%x) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %l = pp.apply @loss(%y) : (tensor<4x8xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

// A dimension along which the op cannot be cut.
pp.layer @f(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error @+1 {{'nn.softmax' op found operand #0 wanted varying(1), expected a dimension that the op can be cut along, and the same for all operands}}
  %y = nn.softmax %x {axis = 1 : i64, pp.takes = [#comm.distribution<{"tensor" = varying(1)}>]} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  pp.yield %y : tensor<4x8xf32>
}
pp.layer @loss(%x: tensor<4x8xf32>) -> tensor<f32> {
  %l = arith.constant dense<0.0> : tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @m(%x: tensor<4x8xf32> {pp.data = "x"}) -> tensor<f32> {
  %y = pp.apply @f(%x) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %l = pp.apply @loss(%y) : (tensor<4x8xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

// Two dimensions at once.
pp.layer @f(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error @+1 {{'nn.add' op found operand #1 wanted varying(1), expected a dimension that the op can be cut along, and the same for all operands}}
  %z = nn.add %x, %y {pp.takes = [#comm.distribution<{"tensor" = varying(0)}>, #comm.distribution<{"tensor" = varying(1)}>]} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  pp.yield %z : tensor<4x8xf32>
}
pp.layer @loss(%x: tensor<4x8xf32>) -> tensor<f32> {
  %l = arith.constant dense<0.0> : tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @m(%x: tensor<4x8xf32> {pp.data = "x"}) -> tensor<f32> {
  %y = pp.apply @f(%x, %x) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %l = pp.apply @loss(%y) : (tensor<4x8xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

// No collective makes summands of a whole value.
pp.layer @f(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error @+1 {{'arith.negf' op found an operand wanted partial that is invariant, expected one that a collective can make of it}}
  %y = arith.negf %x {pp.takes = [#comm.distribution<{"tensor" = partial}>]} : tensor<4x8xf32>
  pp.yield %y : tensor<4x8xf32>
}
pp.layer @loss(%x: tensor<4x8xf32>) -> tensor<f32> {
  %l = arith.constant dense<0.0> : tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @m(%x: tensor<4x8xf32> {pp.data = "x"}) -> tensor<f32> {
  %y = pp.apply @f(%x) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %l = pp.apply @loss(%y) : (tensor<4x8xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

// Nor blocks of a dimension.
pp.layer @f(%x: tensor<4x8xf32>) -> (tensor<4x8xf32> {pp.shard = #comm.distribution<{"tensor" = varying(1, 2)}>}) {
  %y = nn.relu %x {pp.takes = [#comm.distribution<{}>]} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  // expected-error @+1 {{'pp.yield' op found result #0 wanted varying(1, 2) that is invariant, expected one that a collective can make of it}}
  pp.yield %y : tensor<4x8xf32>
}
pp.layer @loss(%x: tensor<4x8xf32>) -> tensor<f32> {
  %l = arith.constant dense<0.0> : tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @m(%x: tensor<4x8xf32> {pp.data = "x"}) -> tensor<f32> {
  %y = pp.apply @f(%x) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %l = pp.apply @loss(%y) : (tensor<4x8xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}
