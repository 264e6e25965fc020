// What a chain of transformer blocks does not have: a layer with two results,
// a skip connection over several stages, layers without parameters, dropout,
// an activation of upstream ops, one parameter used by three applies.

pp.layer @embed(%tokens: tensor<3x10xi32>) params(%table: tensor<256x24xf32>)
    -> tensor<3x10x24xf32> {
  %y = nn.embedding %tokens, %table : (tensor<3x10xi32>, tensor<256x24xf32>) -> tensor<3x10x24xf32>
  pp.yield %y : tensor<3x10x24xf32>
}

pp.layer @fork(%x: tensor<3x10x24xf32>) params(%g: tensor<24xf32>, %w: tensor<24x24xf32>)
    -> (tensor<3x10x24xf32>, tensor<3x10x24xf32>) {
  %n = nn.rms_norm %x, %g : (tensor<3x10x24xf32>, tensor<24xf32>) -> tensor<3x10x24xf32>
  %h = nn.linear %n, %w : (tensor<3x10x24xf32>, tensor<24x24xf32>) -> tensor<3x10x24xf32>
  %gate = math.tanh %h : tensor<3x10x24xf32>
  %d = nn.dropout %h {p = 0.1, site = 0 : i64} : (tensor<3x10x24xf32>) -> tensor<3x10x24xf32>
  %y = arith.addf %x, %d : tensor<3x10x24xf32>
  pp.yield %y, %gate : tensor<3x10x24xf32>, tensor<3x10x24xf32>
}

pp.layer @bend(%x: tensor<3x10x24xf32>) -> tensor<3x10x24xf32> {
  %s = nn.silu %x : (tensor<3x10x24xf32>) -> tensor<3x10x24xf32>
  %y = nn.add %x, %s : (tensor<3x10x24xf32>, tensor<3x10x24xf32>) -> tensor<3x10x24xf32>
  pp.yield %y : tensor<3x10x24xf32>
}

pp.layer @join(%x: tensor<3x10x24xf32>, %gate: tensor<3x10x24xf32>) params(%w: tensor<24x24xf32>)
    -> tensor<3x10x24xf32> {
  %p = nn.mul %x, %gate : (tensor<3x10x24xf32>, tensor<3x10x24xf32>) -> tensor<3x10x24xf32>
  %h = nn.linear %p, %w {transposed} : (tensor<3x10x24xf32>, tensor<24x24xf32>) -> tensor<3x10x24xf32>
  %d = nn.dropout %h {p = 0.2, site = 1 : i64} : (tensor<3x10x24xf32>) -> tensor<3x10x24xf32>
  %y = nn.add %x, %d : (tensor<3x10x24xf32>, tensor<3x10x24xf32>) -> tensor<3x10x24xf32>
  pp.yield %y : tensor<3x10x24xf32>
}

pp.layer @head(%x: tensor<3x10x24xf32>, %targets: tensor<3x10xi32>) params(%table: tensor<256x24xf32>)
    -> tensor<f32> {
  %logits = nn.linear %x, %table {transposed} : (tensor<3x10x24xf32>, tensor<256x24xf32>) -> tensor<3x10x256xf32>
  %loss, %lse = nn.cross_entropy %logits, %targets : (tensor<3x10x256xf32>, tensor<3x10xi32>) -> (tensor<f32>, tensor<3x10xf32>)
  pp.yield %loss : tensor<f32>
}

pp.model @skip(%tokens: tensor<3x10xi32>, %targets: tensor<3x10xi32>) -> tensor<f32> {
  %table = pp.param "table" : tensor<256x24xf32> init(#nn.normal<std = 0.1>)
  %g = pp.param "fork.g" : tensor<24xf32> init(#nn.ones)
  %shared = pp.param "shared" : tensor<24x24xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %x0 = pp.apply @embed(%tokens) params(%table)
      : (tensor<3x10xi32>) params(tensor<256x24xf32>) -> tensor<3x10x24xf32>
  %x1, %gate = pp.apply @fork(%x0) params(%g, %shared)
      : (tensor<3x10x24xf32>) params(tensor<24xf32>, tensor<24x24xf32>) -> (tensor<3x10x24xf32>, tensor<3x10x24xf32>)
  %x2 = pp.apply @bend(%x1) : (tensor<3x10x24xf32>) -> tensor<3x10x24xf32>
  %x3 = pp.apply @join(%x2, %gate) params(%shared)
      : (tensor<3x10x24xf32>, tensor<3x10x24xf32>) params(tensor<24x24xf32>) -> tensor<3x10x24xf32>
  %x4 = pp.apply @bend(%x3) : (tensor<3x10x24xf32>) -> tensor<3x10x24xf32>
  %x5 = pp.apply @join(%x4, %gate) params(%shared)
      : (tensor<3x10x24xf32>, tensor<3x10x24xf32>) params(tensor<24x24xf32>) -> tensor<3x10x24xf32>
  %loss = pp.apply @head(%x5, %targets) params(%table)
      : (tensor<3x10x24xf32>, tensor<3x10xi32>) params(tensor<256x24xf32>) -> tensor<f32>
  pp.return %loss : tensor<f32>
}
