// Constants that a library reads, and tables too long for the code of kernels:
// on a GPU both have to lie on the device.

pp.layer @embed(%tokens: tensor<2x64xi32>) params(%table: tensor<256x64xf32>)
    -> tensor<2x64x64xf32> {
  %y = nn.embedding %tokens, %table : (tensor<2x64xi32>, tensor<256x64xf32>) -> tensor<2x64x64xf32>
  pp.yield %y : tensor<2x64x64xf32>
}

pp.layer @mix(%x: tensor<2x64x64xf32>) params(%g: tensor<64xf32>, %w: tensor<64x64xf32>)
    -> tensor<2x64x64xf32> {
  %n = nn.rms_norm %x, %g : (tensor<2x64x64xf32>, tensor<64xf32>) -> tensor<2x64x64xf32>
  %h = nn.reshape %n : (tensor<2x64x64xf32>) -> tensor<2x64x1x64xf32>
  %r = nn.rotary %h : (tensor<2x64x1x64xf32>) -> tensor<2x64x1x64xf32>
  %s = nn.reshape %r : (tensor<2x64x1x64xf32>) -> tensor<2x64x64xf32>
  %c = arith.constant dense<0.02> : tensor<64x64xf32>
  %p = nn.linear %s, %c : (tensor<2x64x64xf32>, tensor<64x64xf32>) -> tensor<2x64x64xf32>
  %q = nn.add %s, %p : (tensor<2x64x64xf32>, tensor<2x64x64xf32>) -> tensor<2x64x64xf32>
  %o = nn.linear %q, %w : (tensor<2x64x64xf32>, tensor<64x64xf32>) -> tensor<2x64x64xf32>
  %y = nn.add %x, %o : (tensor<2x64x64xf32>, tensor<2x64x64xf32>) -> tensor<2x64x64xf32>
  pp.yield %y : tensor<2x64x64xf32>
}

pp.layer @head(%x: tensor<2x64x64xf32>, %targets: tensor<2x64xi32>) params(%table: tensor<256x64xf32>)
    -> tensor<f32> {
  %logits = nn.linear %x, %table {transposed} : (tensor<2x64x64xf32>, tensor<256x64xf32>) -> tensor<2x64x256xf32>
  %loss, %lse = nn.cross_entropy %logits, %targets : (tensor<2x64x256xf32>, tensor<2x64xi32>) -> (tensor<f32>, tensor<2x64xf32>)
  pp.yield %loss : tensor<f32>
}

pp.model @constants(%tokens: tensor<2x64xi32>, %targets: tensor<2x64xi32>) -> tensor<f32> {
  %table = pp.param "table" : tensor<256x64xf32> init(#nn.normal<std = 0.02>)
  %g0 = pp.param "g0" : tensor<64xf32> init(#nn.ones)
  %w0 = pp.param "w0" : tensor<64x64xf32> init(#nn.normal<std = 0.02>)
  %g1 = pp.param "g1" : tensor<64xf32> init(#nn.ones)
  %w1 = pp.param "w1" : tensor<64x64xf32> init(#nn.normal<std = 0.02>)
  %x0 = pp.apply @embed(%tokens) params(%table)
      : (tensor<2x64xi32>) params(tensor<256x64xf32>) -> tensor<2x64x64xf32>
  %x1 = pp.apply @mix(%x0) params(%g0, %w0)
      : (tensor<2x64x64xf32>) params(tensor<64xf32>, tensor<64x64xf32>) -> tensor<2x64x64xf32>
  %x2 = pp.apply @mix(%x1) params(%g1, %w1)
      : (tensor<2x64x64xf32>) params(tensor<64xf32>, tensor<64x64xf32>) -> tensor<2x64x64xf32>
  %loss = pp.apply @head(%x2, %targets) params(%table)
      : (tensor<2x64x64xf32>, tensor<2x64xi32>) params(tensor<256x64xf32>) -> tensor<f32>
  pp.return %loss : tensor<f32>
}
