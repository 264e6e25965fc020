// Three layers, with the embedding tied to the classifier.
pp.layer @embed(%tokens: tensor<2x8xi32>) params(%wte: tensor<32x16xf32>) -> tensor<2x8x16xf32> {
  %y = nn.embedding %tokens, %wte : (tensor<2x8xi32>, tensor<32x16xf32>) -> tensor<2x8x16xf32>
  pp.yield %y : tensor<2x8x16xf32>
}
pp.layer @block(%x: tensor<2x8x16xf32>) params(%w: tensor<16x16xf32>, %b: tensor<16xf32>) -> tensor<2x8x16xf32> {
  %h = nn.linear %x, %w, %b : (tensor<2x8x16xf32>, tensor<16x16xf32>, tensor<16xf32>) -> tensor<2x8x16xf32>
  %a = nn.gelu %h {approximate = "tanh"} : (tensor<2x8x16xf32>) -> tensor<2x8x16xf32>
  %y = nn.add %x, %a : (tensor<2x8x16xf32>, tensor<2x8x16xf32>) -> tensor<2x8x16xf32>
  pp.yield %y : tensor<2x8x16xf32>
}
pp.layer @head(%x: tensor<2x8x16xf32>, %targets: tensor<2x8xi32>) params(%wte: tensor<32x16xf32>) -> tensor<f32> {
  %logits = nn.linear %x, %wte {transposed} : (tensor<2x8x16xf32>, tensor<32x16xf32>) -> tensor<2x8x32xf32>
  %loss, %lse = nn.cross_entropy %logits, %targets : (tensor<2x8x32xf32>, tensor<2x8xi32>) -> (tensor<f32>, tensor<2x8xf32>)
  pp.yield %loss : tensor<f32>
}
pp.model @small(%tokens: tensor<2x8xi32>, %targets: tensor<2x8xi32>) -> tensor<f32> {
  %wte = pp.param "wte.weight" : tensor<32x16xf32> init(#nn.normal<std = 0.02>)
  %w0 = pp.param "h.0.weight" : tensor<16x16xf32> init(#nn.normal<std = 0.1>)
  %b0 = pp.param "h.0.bias" : tensor<16xf32> init(#nn.zeros)
  %w1 = pp.param "h.1.weight" : tensor<16x16xf32> init(#nn.normal<std = 0.1>)
  %b1 = pp.param "h.1.bias" : tensor<16xf32> init(#nn.zeros)
  %x0 = pp.apply @embed(%tokens) params(%wte) : (tensor<2x8xi32>) params(tensor<32x16xf32>) -> tensor<2x8x16xf32>
  %x1 = pp.apply @block(%x0) params(%w0, %b0) : (tensor<2x8x16xf32>) params(tensor<16x16xf32>, tensor<16xf32>) -> tensor<2x8x16xf32>
  %x2 = pp.apply @block(%x1) params(%w1, %b1) : (tensor<2x8x16xf32>) params(tensor<16x16xf32>, tensor<16xf32>) -> tensor<2x8x16xf32>
  %loss = pp.apply @head(%x2, %targets) params(%wte) : (tensor<2x8x16xf32>, tensor<2x8xi32>) params(tensor<32x16xf32>) -> tensor<f32>
  pp.return %loss : tensor<f32>
}
