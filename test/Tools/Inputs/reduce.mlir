func.func @f(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %a = nn.gelu %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %a : tensor<4x8xf32>
}
func.func @g(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %a = nn.gelu %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %b = nn.softmax %a {axis = 1} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %b : tensor<4x8xf32>
}
func.func @h(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %a = nn.gelu %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %a : tensor<4x8xf32>
}
