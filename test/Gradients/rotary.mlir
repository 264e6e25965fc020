// RUN: pp-gradcheck %s | FileCheck %s
// CHECK: all gradients agree

func.func @halves(%x: tensor<2x5x3x6xf32>) -> tensor<2x5x3x6xf32> {
  %y = nn.rotary %x : (tensor<2x5x3x6xf32>) -> tensor<2x5x3x6xf32>
  return %y : tensor<2x5x3x6xf32>
}
func.func @interleaved(%x: tensor<2x5x3x6xf32>) -> tensor<2x5x3x6xf32> {
  %y = nn.rotary %x {base = 500.0, interleaved} : (tensor<2x5x3x6xf32>) -> tensor<2x5x3x6xf32>
  return %y : tensor<2x5x3x6xf32>
}
func.func @linear(%x: tensor<2x5x3x6xf32>) -> tensor<2x5x3x6xf32> {
  %y = nn.rotary %x {scaling = #nn.rotary_scaling<factor = 4.0>} : (tensor<2x5x3x6xf32>) -> tensor<2x5x3x6xf32>
  return %y : tensor<2x5x3x6xf32>
}
func.func @llama3(%x: tensor<2x5x3x6xf32>) -> tensor<2x5x3x6xf32> {
  %y = nn.rotary %x {base = 50.0, scaling = #nn.rotary_scaling<factor = 8.0, low = 1.0, high = 4.0, original = 16.0>} : (tensor<2x5x3x6xf32>) -> tensor<2x5x3x6xf32>
  return %y : tensor<2x5x3x6xf32>
}
func.func @inverse(%x: tensor<1x7x1x2xf32>) -> tensor<1x7x1x2xf32> {
  %y = nn.rotary %x {inverse} : (tensor<1x7x1x2xf32>) -> tensor<1x7x1x2xf32>
  return %y : tensor<1x7x1x2xf32>
}
