// RUN: pp-opt %s -pp-differentiate -split-input-file -verify-diagnostics

pp.layer @loss(%x: tensor<4xf32>) params(%w: tensor<4xf32>) -> tensor<f32> {
  %y = arith.mulf %x, %w : tensor<4xf32>
  %l = nn.reduce_sum %y axes = [0] : (tensor<4xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @no_stage(%data: tensor<4xf32> {pp.data = "tokens"}) -> tensor<f32> {
  %w = pp.param "w" : tensor<4xf32> init(#nn.zeros)
  // expected-error @below {{found no stage, expected `stage` on every apply: run pp-partition first}}
  %l = pp.apply @loss(%data) params(%w) : (tensor<4xf32>) params(tensor<4xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

pp.layer @same(%x: tensor<4xf32>) params(%w: tensor<4xf32>) -> tensor<4xf32> {
  %y = arith.mulf %x, %w : tensor<4xf32>
  pp.yield %y : tensor<4xf32>
}
pp.layer @loss(%x: tensor<4xf32>) -> tensor<f32> {
  %l = nn.reduce_sum %x axes = [0] : (tensor<4xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @descending(%data: tensor<4xf32> {pp.data = "tokens"}) -> tensor<f32> {
  %w = pp.param "w" : tensor<4xf32> init(#nn.zeros)
  %a = pp.apply @same(%data) params(%w) {stage = 0 : i64} : (tensor<4xf32>) params(tensor<4xf32>) -> tensor<4xf32>
  // expected-note @below {{the apply before it}}
  %b = pp.apply @same(%a) params(%w) {stage = 1 : i64} : (tensor<4xf32>) params(tensor<4xf32>) -> tensor<4xf32>
  // expected-error @below {{found stage 0 after stage 1, expected stages in ascending order: move the pins}}
  %l = pp.apply @loss(%b) {stage = 0 : i64} : (tensor<4xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

pp.layer @loss(%x: tensor<4xf32>) -> tensor<f32> {
  %l = nn.reduce_sum %x axes = [0] : (tensor<4xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @gap(%data: tensor<4xf32> {pp.data = "tokens"}) -> tensor<f32> {
  // expected-error @below {{found stage 1 with nothing in stage 0, expected no empty stage: number stages without gaps}}
  %l = pp.apply @loss(%data) {stage = 1 : i64} : (tensor<4xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

pp.layer @loss(%x: tensor<4xf32>) params(%w: tensor<4xf32>) -> tensor<f32> {
  %y = arith.mulf %x, %w : tensor<4xf32>
  // expected-error @below {{'arith.bitcast' has no derivative, but a gradient must pass through it}}
  %z = arith.bitcast %y : tensor<4xf32> to tensor<4xf32>
  %l = nn.reduce_sum %z axes = [0] : (tensor<4xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @no_derivative(%data: tensor<4xf32> {pp.data = "tokens"}) -> tensor<f32> {
  %w = pp.param "w" : tensor<4xf32> init(#nn.zeros)
  %l = pp.apply @loss(%data) params(%w) {stage = 0 : i64} : (tensor<4xf32>) params(tensor<4xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

pp.layer @loss(%x: tensor<4xf32>) params(%w: tensor<4xf32>) -> tensor<f32> {
  // expected-note @below {{first used here}}
  %a = nn.dropout %w {p = 0.1, site = 3 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  // expected-error @below {{found site 3 twice in layer @loss, expected a site of its own for each dropout: number them}}
  %b = nn.dropout %a {p = 0.1, site = 3 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  %l = nn.reduce_sum %b axes = [0] : (tensor<4xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @sites(%data: tensor<4xf32> {pp.data = "tokens"}) -> tensor<f32> {
  %w = pp.param "w" : tensor<4xf32> init(#nn.zeros)
  %l = pp.apply @loss(%data) params(%w) {stage = 0 : i64} : (tensor<4xf32>) params(tensor<4xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

pp.layer @loss(%x: tensor<4xf32>, %w: tensor<4xf32>) -> tensor<f32> {
  %y = arith.mulf %x, %w : tensor<4xf32>
  %l = nn.reduce_sum %y axes = [0] : (tensor<4xf32>) -> tensor<f32>
  pp.yield %l : tensor<f32>
}
pp.model @input(%data: tensor<4xf32> {pp.data = "tokens"}) -> tensor<f32> {
  %w = pp.param "w" : tensor<4xf32> init(#nn.zeros)
  // expected-error @below {{found parameter "w" among the inputs, expected it after `params`: an input has no gradient to train it by}}
  %l = pp.apply @loss(%data, %w) {stage = 0 : i64} : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}

// -----

// expected-error @below {{found 0 models, expected one pp.model in the module}}
module {
}

// -----

// expected-error @below {{found a loss that no layer computes, or such a weight, expected the result of a pp.apply}}
pp.model @no_apply(%data: tensor<4xf32> {pp.data = "tokens"}) -> tensor<f32> {
  %w = pp.param "w" : tensor<f32> init(#nn.zeros)
  pp.return %w : tensor<f32>
}

// -----

pp.layer @loss(%x: tensor<8xf32>) -> tensor<f32> {
  %y = nn.reduce_mean %x axes = [0] : (tensor<8xf32>) -> tensor<f32>
  pp.yield %y : tensor<f32>
}
// expected-error @below {{found the loss as its own weight, expected a value of its own, which has no gradient}}
pp.model @m(%x: tensor<8xf32> {pp.data = "x"}) -> (tensor<f32>, tensor<f32>) {
  %l = pp.apply @loss(%x) {stage = 0} : (tensor<8xf32>) -> tensor<f32>
  pp.return %l, %l : tensor<f32>, tensor<f32>
}
