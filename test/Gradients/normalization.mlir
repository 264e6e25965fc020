// RUN: pp-gradcheck %s | FileCheck %s
// CHECK: all gradients agree

func.func @layer_norm(%x: tensor<3x5x7xf32>, %g: tensor<7xf32> {nn.accumulate}, %b: tensor<7xf32> {nn.accumulate}) -> tensor<3x5x7xf32> {
  %y = nn.layer_norm %x, %g, %b : (tensor<3x5x7xf32>, tensor<7xf32>, tensor<7xf32>) -> tensor<3x5x7xf32>
  return %y : tensor<3x5x7xf32>
}
func.func @layer_norm_row(%x: tensor<5xf32>, %g: tensor<5xf32>, %b: tensor<5xf32>) -> tensor<5xf32> {
  %y = nn.layer_norm %x, %g, %b {eps = 0.1} : (tensor<5xf32>, tensor<5xf32>, tensor<5xf32>) -> tensor<5xf32>
  return %y : tensor<5xf32>
}
func.func @rms_norm(%x: tensor<3x5x7xf32>, %g: tensor<7xf32> {nn.accumulate}) -> tensor<3x5x7xf32> {
  %y = nn.rms_norm %x, %g : (tensor<3x5x7xf32>, tensor<7xf32>) -> tensor<3x5x7xf32>
  return %y : tensor<3x5x7xf32>
}
func.func @rms_norm_row(%x: tensor<9xf32>, %g: tensor<9xf32>) -> tensor<9xf32> {
  %y = nn.rms_norm %x, %g {eps = 0.25} : (tensor<9xf32>, tensor<9xf32>) -> tensor<9xf32>
  return %y : tensor<9xf32>
}
