// RUN: pp-opt %s -pp-partition="stages=3 memory=60000" -split-input-file -verify-diagnostics

pp.layer @f(%x: tensor<64x64xf32>) -> tensor<64x64xf32> {
  pp.yield %x : tensor<64x64xf32>
}
pp.layer @loss(%x: tensor<64x64xf32>) -> tensor<f32> {
  %l = arith.constant dense<0.0> : tensor<f32>
  pp.yield %l : tensor<f32>
}
// expected-error @+1 {{found 2 applied layers for 3 stages, expected at least one a stage: ask for fewer stages or split a layer}}
pp.model @few(%x: tensor<64x64xf32> {pp.data = "x"}) -> tensor<f32> {
  %0 = pp.apply @f(%x) : (tensor<64x64xf32>) -> tensor<64x64xf32>
  %1 = pp.apply @loss(%0) : (tensor<64x64xf32>) -> tensor<f32>
  pp.return %1 : tensor<f32>
}

// -----

pp.layer @f(%x: tensor<f32>) -> tensor<f32> {
  pp.yield %x : tensor<f32>
}
pp.model @range(%x: tensor<f32> {pp.data = "x"}) -> tensor<f32> {
  %0 = pp.apply @f(%x) : (tensor<f32>) -> tensor<f32>
  %1 = pp.apply @f(%0) : (tensor<f32>) -> tensor<f32>
  // expected-error @+1 {{found stage = 3, expected a number below the 3 stages: change the pin or ask for more stages}}
  %2 = pp.apply @f(%1) {stage = 3 : i64} : (tensor<f32>) -> tensor<f32>
  pp.return %2 : tensor<f32>
}

// -----

pp.layer @f(%x: tensor<f32>) -> tensor<f32> {
  pp.yield %x : tensor<f32>
}
pp.model @order(%x: tensor<f32> {pp.data = "x"}) -> tensor<f32> {
  %0 = pp.apply @f(%x) : (tensor<f32>) -> tensor<f32>
  // expected-note @+1 {{the pin before is here, to stage 1}}
  %1 = pp.apply @f(%0) {stage = 1 : i64} : (tensor<f32>) -> tensor<f32>
  // expected-error @+1 {{found stage = 0 after a pin to stage 1, expected pins that do not descend: stages are runs of applies in the order of the model}}
  %2 = pp.apply @f(%1) {stage = 0 : i64} : (tensor<f32>) -> tensor<f32>
  pp.return %2 : tensor<f32>
}

// -----

pp.layer @f(%x: tensor<f32>) -> tensor<f32> {
  pp.yield %x : tensor<f32>
}
pp.model @before(%x: tensor<f32> {pp.data = "x"}) -> tensor<f32> {
  %0 = pp.apply @f(%x) : (tensor<f32>) -> tensor<f32>
  // expected-error @+1 {{found stage = 2 after 1 free applies, expected at least 2, one for each stage before it: move the pin}}
  %1 = pp.apply @f(%0) {stage = 2 : i64} : (tensor<f32>) -> tensor<f32>
  %2 = pp.apply @f(%1) : (tensor<f32>) -> tensor<f32>
  pp.return %2 : tensor<f32>
}

// -----

pp.layer @f(%x: tensor<f32>) -> tensor<f32> {
  pp.yield %x : tensor<f32>
}
pp.model @after(%x: tensor<f32> {pp.data = "x"}) -> tensor<f32> {
  %0 = pp.apply @f(%x) : (tensor<f32>) -> tensor<f32>
  // expected-error @+1 {{found stage = 0 before 1 free applies, expected at least 2, one for each stage after it: move the pin}}
  %1 = pp.apply @f(%0) {stage = 0 : i64} : (tensor<f32>) -> tensor<f32>
  %2 = pp.apply @f(%1) : (tensor<f32>) -> tensor<f32>
  pp.return %2 : tensor<f32>
}

// -----

// Four times 16,384 bytes of parameter, and 16,384 of input.
pp.layer @f(%x: tensor<64x64xf32>) params(%w: tensor<64x64xf32>) -> tensor<64x64xf32> {
  pp.yield %x : tensor<64x64xf32>
}
pp.layer @loss(%x: tensor<64x64xf32>) -> tensor<f32> {
  %l = arith.constant dense<0.0> : tensor<f32>
  pp.yield %l : tensor<f32>
}
// expected-error @+1 {{found no partition into 3 stages of at most 60000 bytes, expected a bound of at least 81920 bytes: raise it, ask for more stages, or recompute layers}}
pp.model @bound(%x: tensor<64x64xf32> {pp.data = "x"}) -> tensor<f32> {
  %w = pp.param "w" : tensor<64x64xf32> init(#nn.zeros)
  %0 = pp.apply @f(%x) params(%w) : (tensor<64x64xf32>) params(tensor<64x64xf32>) -> tensor<64x64xf32>
  %1 = pp.apply @f(%0) params(%w) : (tensor<64x64xf32>) params(tensor<64x64xf32>) -> tensor<64x64xf32>
  %2 = pp.apply @loss(%1) : (tensor<64x64xf32>) -> tensor<f32>
  pp.return %2 : tensor<f32>
}
