// Four layers, two or four stages.
pp.layer @first(%x: tensor<4xi32>) params(%w: tensor<16x8xf32>) -> tensor<4x8xf32> {
  %y = nn.embedding %x, %w : (tensor<4xi32>, tensor<16x8xf32>) -> tensor<4x8xf32>
  pp.yield %y : tensor<4x8xf32>
}
pp.layer @middle(%x: tensor<4x8xf32>) params(%w: tensor<8x8xf32>) -> tensor<4x8xf32> {
  %h = nn.linear %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %y = nn.gelu %h {approximate = "tanh"} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  pp.yield %y : tensor<4x8xf32>
}
pp.layer @last(%x: tensor<4x8xf32>, %t: tensor<4xi32>) params(%w: tensor<8x16xf32>) -> tensor<f32> {
  %l = nn.linear %x, %w : (tensor<4x8xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
  %loss, %lse = nn.cross_entropy %l, %t : (tensor<4x16xf32>, tensor<4xi32>) -> (tensor<f32>, tensor<4xf32>)
  pp.yield %loss : tensor<f32>
}
pp.model @tower(%tokens: tensor<4xi32>, %targets: tensor<4xi32>) -> tensor<f32> {
  %w0 = pp.param "w0" : tensor<16x8xf32> init(#nn.normal<std = 0.1>)
  %w1 = pp.param "w1" : tensor<8x8xf32> init(#nn.normal<std = 0.1>)
  %w2 = pp.param "w2" : tensor<8x8xf32> init(#nn.normal<std = 0.1>)
  %w3 = pp.param "w3" : tensor<8x16xf32> init(#nn.normal<std = 0.1>)
  %x0 = pp.apply @first(%tokens) params(%w0) : (tensor<4xi32>) params(tensor<16x8xf32>) -> tensor<4x8xf32>
  %x1 = pp.apply @middle(%x0) params(%w1) : (tensor<4x8xf32>) params(tensor<8x8xf32>) -> tensor<4x8xf32>
  %x2 = pp.apply @middle(%x1) params(%w2) : (tensor<4x8xf32>) params(tensor<8x8xf32>) -> tensor<4x8xf32>
  %loss = pp.apply @last(%x2, %targets) params(%w3) : (tensor<4x8xf32>, tensor<4xi32>) params(tensor<8x16xf32>) -> tensor<f32>
  pp.return %loss : tensor<f32>
}
