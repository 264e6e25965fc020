// RUN: pp-gradcheck %s | FileCheck %s
// CHECK: all gradients agree

// In the check in f64 these casts change nothing; in f32 neither; the gradient
// must pass through both all the same.
func.func @widen(%x: tensor<3x5xf32>) -> tensor<3x5xf32> {
  %w = nn.cast %x : (tensor<3x5xf32>) -> tensor<3x5xf64>
  %s = nn.mul %w, %w : (tensor<3x5xf64>, tensor<3x5xf64>) -> tensor<3x5xf64>
  %y = nn.cast %s : (tensor<3x5xf64>) -> tensor<3x5xf32>
  return %y : tensor<3x5xf32>
}
// Integers have no gradient.
func.func @integers(%x: tensor<3x5xf32>, %i: tensor<3x5xi32> {nn.range = [-3, 3]}) -> tensor<3x5xf32> {
  %f = nn.cast %i : (tensor<3x5xi32>) -> tensor<3x5xf32>
  %y = nn.mul %x, %f : (tensor<3x5xf32>, tensor<3x5xf32>) -> tensor<3x5xf32>
  return %y : tensor<3x5xf32>
}
