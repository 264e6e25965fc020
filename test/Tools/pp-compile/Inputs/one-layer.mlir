// The mean of rows of a table: few kernels beside those of the runtime.
pp.layer @rows(%tokens: tensor<8xi32>) params(%w: tensor<32x16xf32>) -> tensor<f32> {
  %y = nn.embedding %tokens, %w : (tensor<8xi32>, tensor<32x16xf32>) -> tensor<8x16xf32>
  %m = nn.reduce_mean %y axes = [0, 1] : (tensor<8x16xf32>) -> tensor<f32>
  pp.yield %m : tensor<f32>
}
pp.model @one(%tokens: tensor<8xi32>) -> tensor<f32> {
  %w = pp.param "w" : tensor<32x16xf32> init(#nn.normal<std = 0.02>)
  %loss = pp.apply @rows(%tokens) params(%w) : (tensor<8xi32>) params(tensor<32x16xf32>) -> tensor<f32>
  pp.return %loss : tensor<f32>
}
