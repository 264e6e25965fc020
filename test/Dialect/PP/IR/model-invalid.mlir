// RUN: pp-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{found argument 0 of type 'tensor<?x8xf32>', expected a tensor of static shape}}
pp.layer @f(%x: tensor<?x8xf32>) -> tensor<f32> {
  %0 = arith.constant dense<0.0> : tensor<f32>
  pp.yield %0 : tensor<f32>
}

// -----

// expected-error @+1 {{found parameter 0 of type 'tensor<8xi32>', expected floats: pass integers as inputs}}
pp.layer @f(%x: tensor<8xf32>) params(%w: tensor<8xi32>) -> tensor<8xf32> {
  pp.yield %x : tensor<8xf32>
}

// -----

// expected-error @+1 {{found recompute = "some", expected "none" or "full"}}
pp.layer @f(%x: tensor<8xf32>) -> tensor<8xf32> attributes {recompute = "some"} {
  pp.yield %x : tensor<8xf32>
}

// -----

// expected-note @+1 {{the layer is declared here}}
pp.layer @f(%x: tensor<8xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{found ('tensor<8xf32>'), expected the results ('tensor<4xf32>') of the layer}}
  pp.yield %x : tensor<8xf32>
}

// -----

// expected-error @+1 {{found results ('tensor<8xf32>'), expected one scalar loss such as tensor<f32>, and at most its weight, of the same type}}
pp.model @m(%x: tensor<8xf32> {pp.data = "x"}) -> tensor<8xf32> {
  pp.return %x : tensor<8xf32>
}

// -----

// expected-error @+1 {{found argument 0 without data, expected {pp.data = "name"}}}
pp.model @m(%x: tensor<f32>) -> tensor<f32> {
  pp.return %x : tensor<f32>
}

// -----

// expected-error @+1 {{found data 'tokens' for arguments 0 and 1, expected different names: set pp.data}}
pp.model @m(%x: tensor<f32> {pp.data = "tokens"}, %y: tensor<4xi32>) -> tensor<f32> {
  pp.return %x : tensor<f32>
}

// -----

pp.model @m(%x: tensor<f32> {pp.data = "x"}) -> tensor<f32> {
  // expected-error @+1 {{found arith.addf in a model, expected pp.param or pp.apply: put computation into a pp.layer}}
  %0 = arith.addf %x, %x : tensor<f32>
  pp.return %0 : tensor<f32>
}

// -----

pp.model @m(%x: tensor<f32> {pp.data = "x"}) -> tensor<f32> {
  // expected-note @+1 {{first defined here}}
  %0 = pp.param "w" : tensor<8xf32> init(#nn.zeros)
  // expected-error @+1 {{found parameter 'w' again, expected each name once: use the first result to tie weights}}
  %1 = pp.param "w" : tensor<8xf32> init(#nn.zeros)
  pp.return %x : tensor<f32>
}

// -----

pp.model @m(%x: tensor<f32> {pp.data = "x"}) -> tensor<f32> {
  // expected-error @+1 {{found an empty name, expected the name of the tensor in a safetensors file}}
  %0 = pp.param "" : tensor<8xf32> init(#nn.zeros)
  pp.return %x : tensor<f32>
}

// -----

pp.model @m(%x: tensor<f32> {pp.data = "x"}) -> tensor<f32> {
  // expected-error @+1 {{found init(0.000000e+00 : f32), expected an initialiser such as #nn.normal<std = 0.02> or #nn.zeros}}
  %0 = pp.param "w" : tensor<8xf32> init(0.0 : f32)
  pp.return %x : tensor<f32>
}

// -----

// expected-note @+1 {{the model is declared here}}
pp.model @m(%x: tensor<f32> {pp.data = "x"}) -> tensor<f32> {
  // expected-error @+1 {{found (), expected the results ('tensor<f32>') of the model}}
  pp.return
}

// -----

pp.model @m(%x: tensor<f32> {pp.data = "x"}) -> tensor<f32> {
  // expected-error @+1 {{found no pp.layer @f, expected one in the module}}
  %0 = pp.apply @f(%x) : (tensor<f32>) -> tensor<f32>
  pp.return %0 : tensor<f32>
}

// -----

// expected-note @+1 {{the layer is defined here}}
pp.layer @f(%x: tensor<8xf32>) -> tensor<8xf32> {
  pp.yield %x : tensor<8xf32>
}
pp.model @m(%x: tensor<f32> {pp.data = "x"}) -> tensor<f32> {
  // expected-error @+1 {{found inputs ('tensor<f32>'), expected ('tensor<8xf32>') for @f}}
  %0 = pp.apply @f(%x) : (tensor<f32>) -> tensor<f32>
  pp.return %0 : tensor<f32>
}

// -----

// expected-note @+1 {{the layer is defined here}}
pp.layer @f(%x: tensor<f32>) params(%w: tensor<8xf32>) -> tensor<f32> {
  pp.yield %x : tensor<f32>
}
pp.model @m(%x: tensor<f32> {pp.data = "x"}) -> tensor<f32> {
  // expected-error @+1 {{found params (), expected ('tensor<8xf32>') for @f}}
  %0 = pp.apply @f(%x) : (tensor<f32>) -> tensor<f32>
  pp.return %0 : tensor<f32>
}

// -----

pp.layer @f(%x: tensor<f32>) params(%w: tensor<f32>) -> tensor<f32> {
  pp.yield %x : tensor<f32>
}
pp.model @m(%x: tensor<f32> {pp.data = "x"}) -> tensor<f32> {
  // expected-error @+1 {{found parameter 0 that is no pp.param, expected values of the computation among the inputs}}
  %0 = pp.apply @f(%x) params(%x) : (tensor<f32>) params(tensor<f32>) -> tensor<f32>
  pp.return %0 : tensor<f32>
}

// -----

pp.layer @f(%x: tensor<f32>) -> tensor<f32> {
  pp.yield %x : tensor<f32>
}
pp.model @m(%x: tensor<f32> {pp.data = "x"}) -> tensor<f32> {
  // expected-error @+1 {{found stage = -1, expected a number from 0 to 1048575}}
  %0 = pp.apply @f(%x) {stage = -1 : i64} : (tensor<f32>) -> tensor<f32>
  pp.return %0 : tensor<f32>
}

// -----

pp.layer @f(%x: tensor<f32>) -> tensor<f32> {
  pp.yield %x : tensor<f32>
}
pp.model @m(%x: tensor<f32> {pp.data = "x"}) -> tensor<f32> {
  // expected-error @+1 {{found recompute = "half", expected "none" or "full"}}
  %0 = pp.apply @f(%x) {recompute = "half"} : (tensor<f32>) -> tensor<f32>
  pp.return %0 : tensor<f32>
}

// -----

// expected-error @+1 {{found unknown argument attribute pp.datum, expected pp.value, pp.param, pp.grad, pp.use, pp.data, pp.key or pp.shard}}
pp.model @m(%x: tensor<f32> {pp.datum = "x"}) -> tensor<f32> {
  pp.return %x : tensor<f32>
}

// -----

// expected-error @+1 {{has an unknown attribute 'recompte', expected 'recompute': did you mean 'recompute'?}}
pp.layer @f(%x: tensor<f32>) -> tensor<f32> attributes {recompte = "full"} {
  pp.yield %x : tensor<f32>
}

// -----

// expected-error @+1 {{has an unknown attribute 'stages', expected none: drop it or give it the prefix of a dialect}}
pp.model @m(%x: tensor<f32> {pp.data = "x"}) -> tensor<f32> attributes {stages = 2 : i64} {
  pp.return %x : tensor<f32>
}

// -----

pp.layer @f(%x: tensor<f32>) -> tensor<f32> {
  pp.yield %x : tensor<f32>
}
pp.model @m(%x: tensor<f32> {pp.data = "x"}) -> tensor<f32> {
  // expected-error @+1 {{has an unknown attribute 'stages', expected 'stage', 'recompute', 'shardings': did you mean 'stage'?}}
  %0 = pp.apply @f(%x) {stages = 1 : i64} : (tensor<f32>) -> tensor<f32>
  pp.return %0 : tensor<f32>
}

// -----

pp.model @m(%x: tensor<f32> {pp.data = "x"}) -> tensor<f32> {
  // expected-error @+1 {{has an unknown attribute 'weight_decay', expected 'decay': drop it or give it the prefix of a dialect}}
  %0 = pp.param "w" : tensor<8xf32> init(#nn.zeros) {weight_decay = false}
  pp.return %x : tensor<f32>
}

// -----

pp.model @m(%x: tensor<f32> {pp.data = "x"}) -> tensor<f32> {
  // expected-error @+1 {{found the name '__metadata__', which a safetensors file keeps for itself, expected another: rename the parameter}}
  %0 = pp.param "__metadata__" : tensor<8xf32> init(#nn.zeros)
  pp.return %x : tensor<f32>
}

// -----

pp.model @m(%x: tensor<f32> {pp.data = "x"}) -> tensor<f32> {
  // expected-error @+1 {{found the name 'pprt_emulating', expected one that does not begin with 'pprt_', as functions of the runtime do, which programs call: rename the parameter}}
  %0 = pp.param "pprt_emulating" : tensor<8xf32> init(#nn.zeros)
  pp.return %x : tensor<f32>
}

// -----

pp.model @m(%x: tensor<f32> {pp.data = "x"}) -> tensor<f32> {
  // expected-error @+1 {{found a name that is not UTF-8, expected text: safetensors files hold names as JSON}}
  %0 = pp.param "w\FF" : tensor<8xf32> init(#nn.zeros)
  pp.return %x : tensor<f32>
}

// -----

// expected-error @+1 {{found num_params = 2, expected at most the 1 arguments of the layer}}
"pp.layer"() <{sym_name = "f", function_type = (tensor<8xf32>) -> tensor<8xf32>, num_params = 2 : i64}> ({
^bb0(%x: tensor<8xf32>):
  "pp.yield"(%x) : (tensor<8xf32>) -> ()
}) : () -> ()

// -----

// expected-error @+1 {{expected pp.yield at the end}}
pp.layer @f(%x: tensor<8xf32>) -> tensor<8xf32> {
  llvm.unreachable
}

// -----

// expected-error @+1 {{expected pp.return at the end}}
pp.model @m(%x: tensor<8xf32> {pp.data = "x"}) -> tensor<f32> {
  llvm.unreachable
}

// -----

// Constraint 4 of pp.layer, for ops of any dialect.
// expected-error @+1 {{argument #0 has type 'tensor<2305843009213693952xf32>': it has more than 2^48 elements, which no machine holds: correct dimension 0}}
pp.layer @f(%x: tensor<2305843009213693952xf32>) -> tensor<2305843009213693952xf32> {
  %y = arith.addf %x, %x : tensor<2305843009213693952xf32>
  pp.yield %y : tensor<2305843009213693952xf32>
}

// -----

pp.layer @f(%x: tensor<f32>) -> tensor<f32> {
  // expected-error @+1 {{result #0 has type 'tensor<4294967296x65537xf32>': it has more than 2^48 elements, which no machine holds: correct dimension 1}}
  %y = tensor.empty() : tensor<4294967296x65537xf32>
  pp.yield %x : tensor<f32>
}

// -----

pp.layer @f(%x: tensor<f32>) -> tensor<f32> {
  // expected-error @+1 {{found a result of type 'tensor<f8E5M2>', expected elements of f32, f64, bf16 or f16, or integers: no code is made for others}}
  %y = arith.truncf %x : tensor<f32> to tensor<f8E5M2>
  %z = arith.extf %y : tensor<f8E5M2> to tensor<f32>
  pp.yield %z : tensor<f32>
}

// -----

// Constraint 5 of pp.layer.
// expected-error @+1 {{found the name 'llvm.trap', expected one that does not begin with 'llvm.', which LLVM keeps for itself: rename the layer}}
pp.layer @"llvm.trap"(%x: tensor<f32>) -> tensor<f32> {
  pp.yield %x : tensor<f32>
}

// -----

// Constraint 3 of pp.model.
pp.layer @f(%x: tensor<4xi32>) params(%w: tensor<f32>) -> tensor<f32> {
  pp.yield %w : tensor<f32>
}
// expected-note @+1 {{the data is an argument here}}
pp.model @m(%x: tensor<4xi32>) -> tensor<f32> {
  // expected-error @+1 {{found parameter 'tokens' with the name of data, expected different names: rename one}}
  %w = pp.param "tokens" : tensor<f32> init(#nn.zeros)
  %0 = pp.apply @f(%x) params(%w) : (tensor<4xi32>) params(tensor<f32>) -> tensor<f32>
  pp.return %0 : tensor<f32>
}

// -----

// Constraint 5 of pp.apply.
pp.layer @f(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  pp.yield %x : tensor<4x8xf32>
}
pp.model @m(%x: tensor<4x8xf32> {pp.data = "x"}, %y: tensor<f32> {pp.data = "y"}) -> tensor<f32> {
  // expected-error @+1 {{found 0 shardings, expected 1, one for each result: write any for one that is left to the compiler}}
  %z = pp.apply @f(%x) sharding() : (tensor<4x8xf32>) -> tensor<4x8xf32>
  pp.return %y : tensor<f32>
}

// -----

// The entries of a pin, as a generic op could have them.
pp.layer @f(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  pp.yield %x : tensor<4x8xf32>
}
pp.model @m(%x: tensor<4x8xf32> {pp.data = "x"}, %y: tensor<f32> {pp.data = "y"}) -> tensor<f32> {
  // expected-error @+1 {{found 1 : i64 for result #0, expected a #pp.sharding or any}}
  %z = "pp.apply"(%x) <{callee = @f, operandSegmentSizes = array<i32: 1, 0>, shardings = [1]}> : (tensor<4x8xf32>) -> tensor<4x8xf32>
  pp.return %y : tensor<f32>
}

// -----

// What stands in place of a sharding.
pp.layer @f(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  pp.yield %x : tensor<4x8xf32>
}
pp.model @m(%x: tensor<4x8xf32> {pp.data = "x"}, %y: tensor<f32> {pp.data = "y"}) -> tensor<f32> {
  // expected-error @+1 {{invalid kind of attribute specified}}
  %z = pp.apply @f(%x) sharding("tensor") : (tensor<4x8xf32>) -> tensor<4x8xf32>
  pp.return %y : tensor<f32>
}

// -----

// Its rank.
pp.layer @f(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  pp.yield %x : tensor<4x8xf32>
}
pp.model @m(%x: tensor<4x8xf32> {pp.data = "x"}, %y: tensor<f32> {pp.data = "y"}) -> tensor<f32> {
  // expected-error @+1 {{(C2) found a sharding of 1 dimensions for 'tensor<4x8xf32>', expected 2: write {} for one that is whole}}
  %z = pp.apply @f(%x) sharding(#pp.sharding<[{"tensor"}]>) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  pp.return %y : tensor<f32>
}

// -----

// Its axes.
pp.layer @f(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  pp.yield %x : tensor<4x8xf32>
}
pp.model @m(%x: tensor<4x8xf32> {pp.data = "x"}, %y: tensor<f32> {pp.data = "y"}) -> tensor<f32> {
  // expected-error @+1 {{found a sharding over the axis "pipe", expected other axes: stages are placed on that one}}
  %z = pp.apply @f(%x) sharding(#pp.sharding<[{"pipe"}, {}]>) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  pp.return %y : tensor<f32>
}

// -----

// Constraint 6 of pp.apply.
pp.layer @f(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  pp.yield %x : tensor<4x8xf32>
}
pp.model @m(%x: tensor<4x8xf32> {pp.data = "x"}, %y: tensor<f32> {pp.data = "y"}) -> tensor<f32> {
  // expected-error @+1 {{found result #0 pinned padded, expected equal parts: only parameters are padded}}
  %z = pp.apply @f(%x) sharding(#pp.sharding<[{"tensor"} padded, {}]>) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  pp.return %y : tensor<f32>
}

// -----

// Integers are whole.
pp.layer @f(%x: tensor<4x8xf32>) -> tensor<4xi32> {
  %c = arith.constant dense<0> : tensor<4xi32>
  pp.yield %c : tensor<4xi32>
}
pp.model @m(%x: tensor<4x8xf32> {pp.data = "x"}, %y: tensor<f32> {pp.data = "y"}) -> tensor<f32> {
  // expected-error @+1 {{found result #0 of 'tensor<4xi32>' pinned in parts, expected it whole, as what holds no floats is: write {} for each dimension}}
  %z = pp.apply @f(%x) sharding(#pp.sharding<[{"tensor"}]>) : (tensor<4x8xf32>) -> tensor<4xi32>
  pp.return %y : tensor<f32>
}

// -----

// expected-error @+1 {{found results ('tensor<f32>', 'tensor<f64>'), expected one scalar loss such as tensor<f32>, and at most its weight, of the same type}}
pp.model @m(%x: tensor<f32> {pp.data = "x"}, %y: tensor<f64> {pp.data = "y"}) -> (tensor<f32>, tensor<f64>) {
  pp.return %x, %y : tensor<f32>, tensor<f64>
}

// -----

// expected-error @+1 {{found results ('tensor<f32>', 'tensor<f32>', 'tensor<f32>'), expected one scalar loss}}
pp.model @m(%x: tensor<f32> {pp.data = "x"}) -> (tensor<f32>, tensor<f32>, tensor<f32>) {
  pp.return %x, %x, %x : tensor<f32>, tensor<f32>, tensor<f32>
}
