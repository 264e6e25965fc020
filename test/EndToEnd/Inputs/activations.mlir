// Biases and activations in all the ways that a product can have them: weights
// stored as PyTorch does, GELU by tanh with and without a bias, by the error
// function, of a width that is no multiple of 8, and another activation.

pp.layer @embed(%tokens: tensor<3x10xi32>) params(%table: tensor<256x24xf32>)
    -> tensor<3x10x24xf32> {
  %y = nn.embedding %tokens, %table : (tensor<3x10xi32>, tensor<256x24xf32>) -> tensor<3x10x24xf32>
  pp.yield %y : tensor<3x10x24xf32>
}

// All of it, with transposed weights.
pp.layer @torch(%x: tensor<3x10x24xf32>) params(%g: tensor<24xf32>, %w1: tensor<40x24xf32>, %b1: tensor<40xf32>, %w2: tensor<24x40xf32>, %b2: tensor<24xf32>)
    -> tensor<3x10x24xf32> {
  %n = nn.rms_norm %x, %g : (tensor<3x10x24xf32>, tensor<24xf32>) -> tensor<3x10x24xf32>
  %f = nn.linear %n, %w1, %b1 {transposed} : (tensor<3x10x24xf32>, tensor<40x24xf32>, tensor<40xf32>) -> tensor<3x10x40xf32>
  %a = nn.gelu %f {approximate = "tanh"} : (tensor<3x10x40xf32>) -> tensor<3x10x40xf32>
  %p = nn.linear %a, %w2, %b2 {transposed} : (tensor<3x10x40xf32>, tensor<24x40xf32>, tensor<24xf32>) -> tensor<3x10x24xf32>
  %y = nn.add %x, %p : (tensor<3x10x24xf32>, tensor<3x10x24xf32>) -> tensor<3x10x24xf32>
  pp.yield %y : tensor<3x10x24xf32>
}

// No bias to fuse, and none to differentiate.
pp.layer @bare(%x: tensor<3x10x24xf32>) params(%g: tensor<24xf32>, %w1: tensor<24x32xf32>, %w2: tensor<32x24xf32>)
    -> tensor<3x10x24xf32> {
  %n = nn.rms_norm %x, %g : (tensor<3x10x24xf32>, tensor<24xf32>) -> tensor<3x10x24xf32>
  %f = nn.linear %n, %w1 : (tensor<3x10x24xf32>, tensor<24x32xf32>) -> tensor<3x10x32xf32>
  %a = nn.gelu %f {approximate = "tanh"} : (tensor<3x10x32xf32>) -> tensor<3x10x32xf32>
  %p = nn.linear %a, %w2 : (tensor<3x10x32xf32>, tensor<32x24xf32>) -> tensor<3x10x24xf32>
  %y = nn.add %x, %p : (tensor<3x10x24xf32>, tensor<3x10x24xf32>) -> tensor<3x10x24xf32>
  pp.yield %y : tensor<3x10x24xf32>
}

// Biases alone.
pp.layer @exact(%x: tensor<3x10x24xf32>) params(%g: tensor<24xf32>, %w1: tensor<40x24xf32>, %b1: tensor<40xf32>, %w2: tensor<24x40xf32>, %b2: tensor<24xf32>)
    -> tensor<3x10x24xf32> {
  %n = nn.rms_norm %x, %g : (tensor<3x10x24xf32>, tensor<24xf32>) -> tensor<3x10x24xf32>
  %f = nn.linear %n, %w1, %b1 {transposed} : (tensor<3x10x24xf32>, tensor<40x24xf32>, tensor<40xf32>) -> tensor<3x10x40xf32>
  %a = nn.gelu %f : (tensor<3x10x40xf32>) -> tensor<3x10x40xf32>
  %p = nn.linear %a, %w2, %b2 {transposed} : (tensor<3x10x40xf32>, tensor<24x40xf32>, tensor<24xf32>) -> tensor<3x10x24xf32>
  %y = nn.add %x, %p : (tensor<3x10x24xf32>, tensor<3x10x24xf32>) -> tensor<3x10x24xf32>
  pp.yield %y : tensor<3x10x24xf32>
}

// Biases alone, in the middle of a row of 20.
pp.layer @narrow(%x: tensor<3x10x24xf32>) params(%g: tensor<24xf32>, %w1: tensor<24x20xf32>, %b1: tensor<20xf32>, %w2: tensor<20x24xf32>, %b2: tensor<24xf32>)
    -> tensor<3x10x24xf32> {
  %n = nn.rms_norm %x, %g : (tensor<3x10x24xf32>, tensor<24xf32>) -> tensor<3x10x24xf32>
  %f = nn.linear %n, %w1, %b1 : (tensor<3x10x24xf32>, tensor<24x20xf32>, tensor<20xf32>) -> tensor<3x10x20xf32>
  %a = nn.gelu %f {approximate = "tanh"} : (tensor<3x10x20xf32>) -> tensor<3x10x20xf32>
  %p = nn.linear %a, %w2, %b2 : (tensor<3x10x20xf32>, tensor<20x24xf32>, tensor<24xf32>) -> tensor<3x10x24xf32>
  %y = nn.add %x, %p : (tensor<3x10x24xf32>, tensor<3x10x24xf32>) -> tensor<3x10x24xf32>
  pp.yield %y : tensor<3x10x24xf32>
}

// Biases alone.
pp.layer @silu(%x: tensor<3x10x24xf32>) params(%g: tensor<24xf32>, %w1: tensor<24x40xf32>, %b1: tensor<40xf32>, %w2: tensor<40x24xf32>, %b2: tensor<24xf32>)
    -> tensor<3x10x24xf32> {
  %n = nn.rms_norm %x, %g : (tensor<3x10x24xf32>, tensor<24xf32>) -> tensor<3x10x24xf32>
  %f = nn.linear %n, %w1, %b1 : (tensor<3x10x24xf32>, tensor<24x40xf32>, tensor<40xf32>) -> tensor<3x10x40xf32>
  %a = nn.silu %f : (tensor<3x10x40xf32>) -> tensor<3x10x40xf32>
  %p = nn.linear %a, %w2, %b2 : (tensor<3x10x40xf32>, tensor<40x24xf32>, tensor<24xf32>) -> tensor<3x10x24xf32>
  %y = nn.add %x, %p : (tensor<3x10x24xf32>, tensor<3x10x24xf32>) -> tensor<3x10x24xf32>
  pp.yield %y : tensor<3x10x24xf32>
}

pp.layer @head(%x: tensor<3x10x24xf32>, %targets: tensor<3x10xi32>) params(%table: tensor<256x24xf32>)
    -> tensor<f32> {
  %logits = nn.linear %x, %table {transposed} : (tensor<3x10x24xf32>, tensor<256x24xf32>) -> tensor<3x10x256xf32>
  %loss, %lse = nn.cross_entropy %logits, %targets : (tensor<3x10x256xf32>, tensor<3x10xi32>) -> (tensor<f32>, tensor<3x10xf32>)
  pp.yield %loss : tensor<f32>
}

pp.model @activations(%tokens: tensor<3x10xi32>, %targets: tensor<3x10xi32>) -> tensor<f32> {
  %table = pp.param "table" : tensor<256x24xf32> init(#nn.normal<std = 0.1>)
  %x0 = pp.apply @embed(%tokens) params(%table)
      : (tensor<3x10xi32>) params(tensor<256x24xf32>) -> tensor<3x10x24xf32>
  %torch_g = pp.param "torch.g" : tensor<24xf32> init(#nn.ones)
  %torch_w1 = pp.param "torch.w1" : tensor<40x24xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %torch_b1 = pp.param "torch.b1" : tensor<40xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %torch_w2 = pp.param "torch.w2" : tensor<24x40xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %torch_b2 = pp.param "torch.b2" : tensor<24xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %x1 = pp.apply @torch(%x0) params(%torch_g, %torch_w1, %torch_b1, %torch_w2, %torch_b2)
      : (tensor<3x10x24xf32>) params(tensor<24xf32>, tensor<40x24xf32>, tensor<40xf32>, tensor<24x40xf32>, tensor<24xf32>) -> tensor<3x10x24xf32>
  %bare_g = pp.param "bare.g" : tensor<24xf32> init(#nn.ones)
  %bare_w1 = pp.param "bare.w1" : tensor<24x32xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %bare_w2 = pp.param "bare.w2" : tensor<32x24xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %x2 = pp.apply @bare(%x1) params(%bare_g, %bare_w1, %bare_w2)
      : (tensor<3x10x24xf32>) params(tensor<24xf32>, tensor<24x32xf32>, tensor<32x24xf32>) -> tensor<3x10x24xf32>
  %exact_g = pp.param "exact.g" : tensor<24xf32> init(#nn.ones)
  %exact_w1 = pp.param "exact.w1" : tensor<40x24xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %exact_b1 = pp.param "exact.b1" : tensor<40xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %exact_w2 = pp.param "exact.w2" : tensor<24x40xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %exact_b2 = pp.param "exact.b2" : tensor<24xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %x3 = pp.apply @exact(%x2) params(%exact_g, %exact_w1, %exact_b1, %exact_w2, %exact_b2)
      : (tensor<3x10x24xf32>) params(tensor<24xf32>, tensor<40x24xf32>, tensor<40xf32>, tensor<24x40xf32>, tensor<24xf32>) -> tensor<3x10x24xf32>
  %narrow_g = pp.param "narrow.g" : tensor<24xf32> init(#nn.ones)
  %narrow_w1 = pp.param "narrow.w1" : tensor<24x20xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %narrow_b1 = pp.param "narrow.b1" : tensor<20xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %narrow_w2 = pp.param "narrow.w2" : tensor<20x24xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %narrow_b2 = pp.param "narrow.b2" : tensor<24xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %x4 = pp.apply @narrow(%x3) params(%narrow_g, %narrow_w1, %narrow_b1, %narrow_w2, %narrow_b2)
      : (tensor<3x10x24xf32>) params(tensor<24xf32>, tensor<24x20xf32>, tensor<20xf32>, tensor<20x24xf32>, tensor<24xf32>) -> tensor<3x10x24xf32>
  %silu_g = pp.param "silu.g" : tensor<24xf32> init(#nn.ones)
  %silu_w1 = pp.param "silu.w1" : tensor<24x40xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %silu_b1 = pp.param "silu.b1" : tensor<40xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %silu_w2 = pp.param "silu.w2" : tensor<40x24xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %silu_b2 = pp.param "silu.b2" : tensor<24xf32> init(#nn.uniform<low = -0.2, high = 0.2>)
  %x5 = pp.apply @silu(%x4) params(%silu_g, %silu_w1, %silu_b1, %silu_w2, %silu_b2)
      : (tensor<3x10x24xf32>) params(tensor<24xf32>, tensor<24x40xf32>, tensor<40xf32>, tensor<40x24xf32>, tensor<24xf32>) -> tensor<3x10x24xf32>
  %loss = pp.apply @head(%x5, %targets) params(%table)
      : (tensor<3x10x24xf32>, tensor<3x10xi32>) params(tensor<256x24xf32>) -> tensor<f32>
  pp.return %loss : tensor<f32>
}
