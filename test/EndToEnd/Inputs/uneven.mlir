// Sizes that 2, 3 and 4 divide, but for the vocabulary, of which parts reach into
// padding, in two tables: one of tokens, by a pin, one of logits. Values between
// layers are pinned along the sequence. No biases, and activations of upstream
// ops.

pp.layer @embed(%tokens: tensor<2x12xi32>) params(%table: tensor<601x24xf32>)
    -> tensor<2x12x24xf32> {
  %y = nn.embedding %tokens, %table : (tensor<2x12xi32>, tensor<601x24xf32>) -> tensor<2x12x24xf32>
  pp.yield %y : tensor<2x12x24xf32>
}

pp.layer @attend(%x: tensor<2x12x24xf32>) params(%g: tensor<24xf32>, %wqkv: tensor<24x72xf32>, %wo: tensor<24x24xf32>)
    -> tensor<2x12x24xf32> {
  %n = nn.rms_norm %x, %g : (tensor<2x12x24xf32>, tensor<24xf32>) -> tensor<2x12x24xf32>
  %qkv = nn.linear %n, %wqkv : (tensor<2x12x24xf32>, tensor<24x72xf32>) -> tensor<2x12x72xf32>
  %q0, %k0, %v0 = nn.split %qkv sizes = [24, 24, 24] {axis = 2 : i64} : (tensor<2x12x72xf32>) -> (tensor<2x12x24xf32>, tensor<2x12x24xf32>, tensor<2x12x24xf32>)
  %q = nn.reshape %q0 : (tensor<2x12x24xf32>) -> tensor<2x12x12x2xf32>
  %k = nn.reshape %k0 : (tensor<2x12x24xf32>) -> tensor<2x12x12x2xf32>
  %v = nn.reshape %v0 : (tensor<2x12x24xf32>) -> tensor<2x12x12x2xf32>
  %a, %lse = nn.attention %q, %k, %v {causal} : (tensor<2x12x12x2xf32>, tensor<2x12x12x2xf32>, tensor<2x12x12x2xf32>) -> (tensor<2x12x12x2xf32>, tensor<2x12x12xf32>)
  %m = nn.reshape %a : (tensor<2x12x12x2xf32>) -> tensor<2x12x24xf32>
  %o = nn.linear %m, %wo : (tensor<2x12x24xf32>, tensor<24x24xf32>) -> tensor<2x12x24xf32>
  %y = arith.addf %x, %o : tensor<2x12x24xf32>
  pp.yield %y : tensor<2x12x24xf32>
}

// The square of what is positive.
pp.layer @squares(%x: tensor<2x12x24xf32>) params(%g: tensor<24xf32>, %w1: tensor<24x48xf32>, %w2: tensor<48x24xf32>)
    -> tensor<2x12x24xf32> {
  %n = nn.rms_norm %x, %g : (tensor<2x12x24xf32>, tensor<24xf32>) -> tensor<2x12x24xf32>
  %h = nn.linear %n, %w1 : (tensor<2x12x24xf32>, tensor<24x48xf32>) -> tensor<2x12x48xf32>
  %zero = arith.constant dense<0.0> : tensor<2x12x48xf32>
  %r = arith.maximumf %h, %zero : tensor<2x12x48xf32>
  %a = arith.mulf %r, %r : tensor<2x12x48xf32>
  %p = nn.linear %a, %w2 : (tensor<2x12x48xf32>, tensor<48x24xf32>) -> tensor<2x12x24xf32>
  %y = arith.addf %x, %p : tensor<2x12x24xf32>
  pp.yield %y : tensor<2x12x24xf32>
}

// h / (1 + exp(-h)), but nothing below a threshold.
pp.layer @gates(%x: tensor<2x12x24xf32>) params(%g: tensor<24xf32>, %w1: tensor<24x48xf32>, %w2: tensor<48x24xf32>)
    -> tensor<2x12x24xf32> {
  %n = nn.rms_norm %x, %g : (tensor<2x12x24xf32>, tensor<24xf32>) -> tensor<2x12x24xf32>
  %h = nn.linear %n, %w1 : (tensor<2x12x24xf32>, tensor<24x48xf32>) -> tensor<2x12x48xf32>
  %zero = arith.constant dense<0.0> : tensor<2x12x48xf32>
  %one = arith.constant dense<1.0> : tensor<2x12x48xf32>
  %low = arith.constant dense<-0.75> : tensor<2x12x48xf32>
  %m = arith.negf %h : tensor<2x12x48xf32>
  %e = math.exp %m : tensor<2x12x48xf32>
  %d = arith.addf %one, %e : tensor<2x12x48xf32>
  %s = arith.divf %h, %d : tensor<2x12x48xf32>
  %c = arith.cmpf ogt, %h, %low : tensor<2x12x48xf32>
  %a = arith.select %c, %s, %zero : tensor<2x12x48xi1>, tensor<2x12x48xf32>
  %p = nn.linear %a, %w2 : (tensor<2x12x48xf32>, tensor<48x24xf32>) -> tensor<2x12x24xf32>
  %y = arith.addf %x, %p : tensor<2x12x24xf32>
  pp.yield %y : tensor<2x12x24xf32>
}

pp.layer @head(%x: tensor<2x12x24xf32>, %targets: tensor<2x12xi32>) params(%g: tensor<24xf32>, %table: tensor<24x601xf32>)
    -> tensor<f32> {
  %n = nn.rms_norm %x, %g : (tensor<2x12x24xf32>, tensor<24xf32>) -> tensor<2x12x24xf32>
  %logits = nn.linear %n, %table : (tensor<2x12x24xf32>, tensor<24x601xf32>) -> tensor<2x12x601xf32>
  %loss, %lse = nn.cross_entropy %logits, %targets : (tensor<2x12x601xf32>, tensor<2x12xi32>) -> (tensor<f32>, tensor<2x12xf32>)
  pp.yield %loss : tensor<f32>
}

pp.model @uneven(%tokens: tensor<2x12xi32>, %targets: tensor<2x12xi32>) -> tensor<f32> {
  %table = pp.param "table" : tensor<601x24xf32> sharding(#pp.sharding<[{"tensor"} padded, {}]>) init(#nn.normal<std = 0.1>)
  %x0 = pp.apply @embed(%tokens) params(%table)
      : (tensor<2x12xi32>) params(tensor<601x24xf32>) -> tensor<2x12x24xf32>
  %attend_g = pp.param "attend.g" : tensor<24xf32> init(#nn.ones)
  %attend_wqkv = pp.param "attend.wqkv" : tensor<24x72xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %attend_wo = pp.param "attend.wo" : tensor<24x24xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %x1 = pp.apply @attend(%x0) params(%attend_g, %attend_wqkv, %attend_wo) sharding(#pp.sharding<[{}, {"tensor"}, {}]>)
      : (tensor<2x12x24xf32>) params(tensor<24xf32>, tensor<24x72xf32>, tensor<24x24xf32>) -> tensor<2x12x24xf32>
  %squares_g = pp.param "squares.g" : tensor<24xf32> init(#nn.ones)
  %squares_w1 = pp.param "squares.w1" : tensor<24x48xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %squares_w2 = pp.param "squares.w2" : tensor<48x24xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %x2 = pp.apply @squares(%x1) params(%squares_g, %squares_w1, %squares_w2)
      : (tensor<2x12x24xf32>) params(tensor<24xf32>, tensor<24x48xf32>, tensor<48x24xf32>) -> tensor<2x12x24xf32>
  %gates_g = pp.param "gates.g" : tensor<24xf32> init(#nn.ones)
  %gates_w1 = pp.param "gates.w1" : tensor<24x48xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %gates_w2 = pp.param "gates.w2" : tensor<48x24xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %x3 = pp.apply @gates(%x2) params(%gates_g, %gates_w1, %gates_w2)
      : (tensor<2x12x24xf32>) params(tensor<24xf32>, tensor<24x48xf32>, tensor<48x24xf32>) -> tensor<2x12x24xf32>
  %head_g = pp.param "head.g" : tensor<24xf32> init(#nn.ones)
  %head_table = pp.param "head.table" : tensor<24x601xf32> init(#nn.normal<std = 0.1>)
  %loss = pp.apply @head(%x3, %targets) params(%head_g, %head_table)
      : (tensor<2x12x24xf32>, tensor<2x12xi32>) params(tensor<24xf32>, tensor<24x601xf32>) -> tensor<f32>
  pp.return %loss : tensor<f32>
}
