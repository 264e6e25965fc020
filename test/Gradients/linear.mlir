// RUN: pp-gradcheck %s | FileCheck %s
// CHECK: all gradients agree

func.func @bias(%x: tensor<3x5x7xf32>, %w: tensor<7x9xf32> {nn.accumulate}, %b: tensor<9xf32> {nn.accumulate}) -> tensor<3x5x9xf32> {
  %y = nn.linear %x, %w, %b : (tensor<3x5x7xf32>, tensor<7x9xf32>, tensor<9xf32>) -> tensor<3x5x9xf32>
  return %y : tensor<3x5x9xf32>
}
func.func @transposed(%x: tensor<5x7xf32>, %w: tensor<3x7xf32> {nn.accumulate}) -> tensor<5x3xf32> {
  %y = nn.linear %x, %w {transposed} : (tensor<5x7xf32>, tensor<3x7xf32>) -> tensor<5x3xf32>
  return %y : tensor<5x3xf32>
}
func.func @vector(%x: tensor<7xf32>, %w: tensor<7x3xf32>, %b: tensor<3xf32>) -> tensor<3xf32> {
  %y = nn.linear %x, %w, %b : (tensor<7xf32>, tensor<7x3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %y : tensor<3xf32>
}
func.func @constant_input(%x: tensor<2x3x5xf32> {nn.constant}, %w: tensor<5x4xf32>) -> tensor<2x3x4xf32> {
  %y = nn.linear %x, %w : (tensor<2x3x5xf32>, tensor<5x4xf32>) -> tensor<2x3x4xf32>
  return %y : tensor<2x3x4xf32>
}
// The same weight forwards and backwards, as in tied embeddings.
func.func @tied(%x: tensor<5x7xf32>, %w: tensor<7x4xf32> {nn.accumulate}) -> tensor<5x7xf32> {
  %y = nn.linear %x, %w : (tensor<5x7xf32>, tensor<7x4xf32>) -> tensor<5x4xf32>
  %z = nn.linear %y, %w {transposed} : (tensor<5x4xf32>, tensor<7x4xf32>) -> tensor<5x7xf32>
  return %z : tensor<5x7xf32>
}
