// RUN: pp-gradcheck %s | FileCheck %s
// CHECK: all gradients agree

func.func @reshape(%x: tensor<3x10xf32>) -> tensor<5x1x6xf32> {
  %y = nn.reshape %x : (tensor<3x10xf32>) -> tensor<5x1x6xf32>
  return %y : tensor<5x1x6xf32>
}
func.func @transpose(%x: tensor<3x5x7x2xf32>) -> tensor<7x3x2x5xf32> {
  %y = nn.transpose %x permutation = [2, 0, 3, 1] : (tensor<3x5x7x2xf32>) -> tensor<7x3x2x5xf32>
  return %y : tensor<7x3x2x5xf32>
}
func.func @broadcast(%x: tensor<5x1xf32>) -> tensor<3x5x7xf32> {
  %y = nn.broadcast %x : (tensor<5x1xf32>) -> tensor<3x5x7xf32>
  return %y : tensor<3x5x7xf32>
}
// Steps that do not reach the end, and a single element with a step.
func.func @slice(%x: tensor<3x9x7xf32>) -> (tensor<2x3x2xf32>, tensor<1x1x7xf32>) {
  %y = nn.slice %x offsets = [1, 1, 0] sizes = [2, 3, 2] strides = [1, 2, 5] : (tensor<3x9x7xf32>) -> tensor<2x3x2xf32>
  %z = nn.slice %x offsets = [2, 8, 0] sizes = [1, 1, 7] strides = [4, 3, 1] : (tensor<3x9x7xf32>) -> tensor<1x1x7xf32>
  return %y, %z : tensor<2x3x2xf32>, tensor<1x1x7xf32>
}
func.func @pad(%x: tensor<3x5xf32>) -> tensor<6x10xf32> {
  %y = nn.pad %x low = [2, 0] high = [1, 1] interior = [0, 1] : (tensor<3x5xf32>) -> tensor<6x10xf32>
  return %y : tensor<6x10xf32>
}
func.func @concatenate(%x: tensor<3x5xf32>, %z: tensor<3x2xf32>) -> tensor<3x12xf32> {
  %y = nn.concatenate %x, %z, %x {axis = 1 : i64} : (tensor<3x5xf32>, tensor<3x2xf32>, tensor<3x5xf32>) -> tensor<3x12xf32>
  return %y : tensor<3x12xf32>
}
// The middle piece is not used.
func.func @split(%x: tensor<7x3xf32>) -> (tensor<2x3xf32>, tensor<4x3xf32>) {
  %a, %b, %c = nn.split %x sizes = [2, 1, 4] {axis = 0 : i64} : (tensor<7x3xf32>) -> (tensor<2x3xf32>, tensor<1x3xf32>, tensor<4x3xf32>)
  return %a, %c : tensor<2x3xf32>, tensor<4x3xf32>
}
