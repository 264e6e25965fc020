// RUN: pp-gradcheck %s | FileCheck %s
// CHECK: all gradients agree

func.func @gelu(%x: tensor<3x7xf32> {nn.range = [-3.0, 3.0]}) -> tensor<3x7xf32> {
  %y = nn.gelu %x : (tensor<3x7xf32>) -> tensor<3x7xf32>
  return %y : tensor<3x7xf32>
}
func.func @gelu_tanh(%x: tensor<3x7xf32> {nn.range = [-3.0, 3.0]}) -> tensor<3x7xf32> {
  %y = nn.gelu %x {approximate = "tanh"} : (tensor<3x7xf32>) -> tensor<3x7xf32>
  return %y : tensor<3x7xf32>
}
func.func @silu(%x: tensor<3x7xf32> {nn.range = [-5.0, 5.0]}) -> tensor<3x7xf32> {
  %y = nn.silu %x : (tensor<3x7xf32>) -> tensor<3x7xf32>
  return %y : tensor<3x7xf32>
}
// Away from the kink at zero.
func.func @relu(%x: tensor<3x7xf32> {nn.range = [0.1, 1.0]}, %z: tensor<3x7xf32> {nn.range = [-1.0, -0.1]}) -> (tensor<3x7xf32>, tensor<3x7xf32>) {
  %y = nn.relu %x : (tensor<3x7xf32>) -> tensor<3x7xf32>
  %u = nn.relu %z : (tensor<3x7xf32>) -> tensor<3x7xf32>
  return %y, %u : tensor<3x7xf32>, tensor<3x7xf32>
}
