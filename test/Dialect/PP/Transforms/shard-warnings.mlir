// RUN: pp-opt %s -pp-shard=tensors=4 -split-input-file -verify-diagnostics -o /dev/null

// What could be cut costs more in parts.
pp.layer @a(%x: tensor<1x7x4xf32>) params(%w: tensor<4x4xf32>) -> tensor<1x7x1x4xf32> {
  %h = nn.linear %x, %w : (tensor<1x7x4xf32>, tensor<4x4xf32>) -> tensor<1x7x4xf32>
  %y = nn.reshape %h : (tensor<1x7x4xf32>) -> tensor<1x7x1x4xf32>
  %z = nn.relu %y : (tensor<1x7x1x4xf32>) -> tensor<1x7x1x4xf32>
  pp.yield %z : tensor<1x7x1x4xf32>
}
pp.layer @loss(%x: tensor<1x7x1x4xf32>) -> tensor<f32> {
  %y = nn.reduce_sum %x axes = [0, 1, 2, 3] : (tensor<1x7x1x4xf32>) -> tensor<f32>
  pp.yield %y : tensor<f32>
}
// expected-warning @below {{found nothing that is cheaper in parts over 4 coordinates on axis "tensor", expected a model that gains from them: each computes all of it; leave --tp out, or pin what is to be cut}}
pp.model @m(%x: tensor<1x7x4xf32> {pp.data = "x"}) -> tensor<f32> {
  %w = pp.param "w" : tensor<4x4xf32> init(#nn.ones)
  %y = pp.apply @a(%x) params(%w) : (tensor<1x7x4xf32>) params(tensor<4x4xf32>) -> tensor<1x7x1x4xf32>
  %l = pp.apply @loss(%y) : (tensor<1x7x1x4xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

// One product can be cut, the larger one has odd dimensions.
pp.layer @a(%x: tensor<63x255xf32>) params(%a: tensor<255x255xf32>, %b: tensor<255x64xf32>) -> tensor<f32> {
  %h = nn.linear %x, %a : (tensor<63x255xf32>, tensor<255x255xf32>) -> tensor<63x255xf32>
  %y = nn.linear %h, %b : (tensor<63x255xf32>, tensor<255x64xf32>) -> tensor<63x64xf32>
  %l = nn.reduce_sum %y axes = [0, 1] : (tensor<63x64xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
// expected-warning @below {{found 80 % of the operations of its layers done by each of the 4 coordinates on axis "tensor", expected them shared: 4 divides too few dimensions (heads, widths, positions); take a number that does}}
pp.model @m(%x: tensor<63x255xf32> {pp.data = "x"}) -> tensor<f32> {
  %a = pp.param "a" : tensor<255x255xf32> init(#nn.ones)
  %b = pp.param "b" : tensor<255x64xf32> init(#nn.ones)
  %l = pp.apply @a(%x) params(%a, %b) : (tensor<63x255xf32>) params(tensor<255x255xf32>, tensor<255x64xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}
